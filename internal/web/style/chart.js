// The map of hours: a table of the page drawn as a picture. The table stays; it is where the numbers
// are read from, and what there is without this script.
import { use, init } from "echarts/core";
import { HeatmapChart } from "echarts/charts";
import { AriaComponent, GridComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import { CanvasRenderer } from "echarts/renderers";

use([HeatmapChart, AriaComponent, GridComponent, TooltipComponent, VisualMapComponent, CanvasRenderer]);

const dark = matchMedia("(prefers-color-scheme: dark)");
const still = matchMedia("(prefers-reduced-motion: reduce)");

function read(table) {
  const hours = [...table.querySelectorAll("thead th[data-hour]")].map((th) => th.textContent.trim());
  const days = [], cells = [];
  for (const tr of table.querySelectorAll("tbody tr")) {
    const y = days.push(tr.querySelector("th").dataset.short) - 1;
    [...tr.querySelectorAll("td[data-hour]")].forEach((td, x) => {
      if (td.dataset.v !== undefined) cells.push({ value: [x, y, Number(td.dataset.v)], said: td.dataset.said });
    });
  }
  return { hours, days, cells };
}

function draw(figure) {
  const table = document.getElementById(figure.dataset.table);
  const { hours, days, cells } = read(table);
  if (!cells.length) return;
  figure.hidden = false;
  const space = figure.querySelector("[data-space]");
  space.style.height = days.length * 30 + 96 + "px";
  const chart = init(space, null, { renderer: "canvas" });
  const paint = () => {
    const style = getComputedStyle(document.documentElement);
    const v = (name) => style.getPropertyValue(name).trim();
    const text = { color: v("--quiet"), fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 13 };
    const percent = figure.dataset.unit === "%";
    const most = percent ? 100 : Math.max(1, ...cells.map((c) => c.value[2]));
    chart.setOption({
      aria: { enabled: true, label: { description: figure.dataset.said } },
      animation: !still.matches,
      animationDuration: 120,
      // A tooltip of HTML would carry styles that the policy of the page refuses.
      tooltip: { renderMode: "richText", confine: true, backgroundColor: v("--surface"), borderColor: v("--edge"), textStyle: { ...text, color: v("--ink") }, formatter: (p) => p.data.said },
      grid: { left: 8, right: 8, top: 28, bottom: 56, containLabel: true },
      xAxis: { type: "category", data: hours, position: "top", axisLabel: text, axisLine: { show: false }, axisTick: { show: false } },
      yAxis: { type: "category", data: days, inverse: true, axisLabel: text, axisLine: { show: false }, axisTick: { show: false } },
      visualMap: {
        min: 0, max: most, calculable: false, orient: "horizontal", left: "center", bottom: 4, itemHeight: 160, itemWidth: 14,
        text: [percent ? "100 %" : String(most), percent ? "0 %" : "0"], textStyle: text,
        inRange: { color: dark.matches ? ["#1d2b30", "#2a6f78", "#8ad8df"] : ["#eef3f2", "#6fb0b6", "#0a4f57"] },
      },
      series: [{ type: "heatmap", data: cells, itemStyle: { borderColor: v("--paper"), borderWidth: 2, borderRadius: 3 }, emphasis: { itemStyle: { borderColor: v("--ink") } } }],
    });
  };
  paint();
  dark.addEventListener("change", paint);
  new ResizeObserver(() => chart.resize()).observe(space);
}

for (const figure of document.querySelectorAll("[data-chart=hours]")) draw(figure);
