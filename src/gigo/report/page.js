// Draws every figure with the look of the reader's colour scheme, and again when it changes.
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
const looks = read("looks");

async function draw() {
  const config = dark.matches ? looks.dark : looks.light;
  for (const chart of document.querySelectorAll(".chart")) {
    await vegaEmbed(chart, read(chart.dataset.spec), {
      config,
      renderer: "svg",
      actions: { export: true, source: false, compiled: false, editor: false },
      downloadFileName: chart.dataset.spec,
    });
  }
  document.documentElement.dataset.drawn = "yes";
}

dark.addEventListener("change", draw);
draw();
