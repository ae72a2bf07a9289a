// For browsers too old for the app (build target: vite.config.ts), in words that they understand.
document.getElementById("app").innerHTML =
  "<h1>联防</h1><p>这个浏览器太旧，打不开联防。请更新手机的浏览器或微信，或请值班室换一台手机。</p>" +
  "<p>This browser is too old for Lianfang. Update the phone's browser or WeChat, or ask the duty desk for another phone.</p>";
