// Draws every figure with the look of the reader's colour scheme, and again when it changes.
const dark = matchMedia("(prefers-color-scheme: dark)");
const looks = JSON.parse(document.querySelector("main").dataset.looks);
for (const look of Object.values(looks)) {
  // Legends one below the other: side by side they would not fit a telephone.
  look.legend.layout = { direction: "vertical", margin: 4 };
}

async function draw() {
  for (const [i, chart] of document.querySelectorAll(".chart").entries()) {
    await vegaEmbed(chart, JSON.parse(chart.dataset.spec), {
      config: dark.matches ? looks.dark : looks.light,
      renderer: "svg",
      actions: { export: true, source: false, compiled: false, editor: false },
      downloadFileName: `figure-${i + 1}`,
    });
    chart.querySelector(".chart-wrapper").setAttribute("role", "img"); // labelled by Vega
    chart.querySelector("summary").setAttribute("aria-label", `Save figure ${i + 1}`);
    for (const link of chart.querySelectorAll(".vega-actions a")) {
      // A file is made when the mouse is pressed; by keyboard it must be there before.
      link.addEventListener("focus", () => link.dispatchEvent(new MouseEvent("mousedown")));
    }
  }
  document.documentElement.dataset.look = dark.matches ? "dark" : "light";
  document.documentElement.dataset.drawn = "yes";
}

// Paper can't be clicked: what is folded is printed, too.
const folded = () => document.querySelectorAll("main > details:not([open])");
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...folded()];
  opened.forEach((each) => (each.open = true));
});
addEventListener("afterprint", () => opened.forEach((each) => (each.open = false)));

dark.addEventListener("change", draw);
draw();
