/** Line drawings of 24 × 24, drawn here so that no icon font is loaded. */
export const ICONS = {
  today: "M4 5h16v15H4zM4 9h16M8 3v4M16 3v4M8 13h3M8 16.5h6",
  register:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c0-4 3-6 6.5-6s6.5 2 6.5 6M16 4.5a3.5 3.5 0 0 1 0 6.5M18 14.5c2.2.8 3.5 2.6 3.5 5.5",
  sent: "M3 11.5 21 3l-5.5 18-4-7.5zM11.5 13.5 21 3",
  me: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c0-4.500 3.500-7 8-7s8 2.500 8 7",
  call: "M5 3h4l2 5-2.500 2a12 12 0 0 0 5.500 5.500l2-2.500 5 2v4c0 1-1 2-2 2C10.500 21 3 13.500 3 5c0-1 1-2 2-2z",
  go: "M12 21s7-6.500 7-12a7 7 0 1 0-14 0c0 5.500 7 12 7 12zM12 11.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5z",
  back: "M15 4 7 12l8 8",
  next: "M9 4l8 8-8 8",
  scan: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M3.500 12h17",
  close: "M5 5l14 14M19 5 5 19",
  delete: "M9 5h12v14H9l-6-7zM12 9l6 6M18 9l-6 6",
  check: "M4 12.500 10 18 20 6",
  alarm: "M12 3 22 20H2zM12 9v5M12 17v.5",
  bell: "M6 17V11a6 6 0 1 1 12 0v6l2 2H4zM10 21h4",
  lock: "M5 11h14v10H5zM8 11V8a4 4 0 0 1 8 0v3",
  search: "M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13zM15.500 15.500 21 21",
  map: "M3 6l6-2 6 2 6-2v14l-6 2-6-2-6 2zM9 4v14M15 6v14",
  cloud: "M7 19a4.500 4.500 0 0 1-.5-9A6 6 0 0 1 18 9.500 4.800 4.800 0 0 1 17.500 19z",
  saved: "M5 3h11l3 3v15H5zM8 3v6h7V3M8 21v-7h8v7",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5.500l3.500 2",
  plus: "M12 4v16M4 12h16",
} as const;

export type IconName = keyof typeof ICONS;
