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
  }
  document.documentElement.dataset.drawn = "yes";
}

dark.addEventListener("change", draw);
draw();
