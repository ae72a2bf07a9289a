import "./older";

import { createApp } from "vue";

import App from "./App.vue";
import { phone } from "./phone";
import { router } from "./router";
import { begin } from "./state/app";
import { listen } from "./state/install";
import { real } from "./state/real";
import "./ui/theme.css";
import { update } from "./update";

listen();
createApp(App).use(router).mount("#app");
void phone.start().then(() => begin(real));
void update.register();
