// Tables of the page drawn as pictures that answer to the pointer. The tables stay; they are where the numbers are
// read from, and what there is without this script.
import { use, init } from "echarts/core";
import { BarChart, HeatmapChart, LineChart } from "echarts/charts";
import { AriaComponent, GridComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import { CanvasRenderer } from "echarts/renderers";

use([BarChart, HeatmapChart, LineChart, AriaComponent, GridComponent, TooltipComponent, VisualMapComponent, CanvasRenderer]);

const dark = matchMedia("(prefers-color-scheme: dark)");
const still = matchMedia("(prefers-reduced-motion: reduce)");

// A tooltip of HTML would carry styles that the policy of the page refuses.
const tip = (v, text) => ({ renderMode: "richText", confine: true, backgroundColor: v("--surface"), borderColor: v("--edge"), textStyle: { ...text, color: v("--ink") } });

// What a map of cells looks like; a cell that has a text says it.
function mapOptions({ v, text, across, down, cells, most, share }) {
  const top = share ? "100 %" : String(most);
  const axis = { type: "category", axisLabel: text, axisLine: { show: false }, axisTick: { show: false } };
  return {
    tooltip: { ...tip(v, text), formatter: (p) => p.data.said },
    grid: { left: 8, right: 8, top: 28, bottom: 56, containLabel: true },
    xAxis: { ...axis, data: across, position: "top" },
    yAxis: { ...axis, data: down, inverse: true },
    visualMap: {
      min: 0, max: most, calculable: false, orient: "horizontal", left: "center", bottom: 4, itemHeight: 160, itemWidth: 14,
      text: [top, share ? "0 %" : "0"], textStyle: text,
      inRange: { color: dark.matches ? ["#1d2b30", "#2a6f78", "#8ad8df"] : ["#eef3f2", "#6fb0b6", "#0a4f57"] },
    },
    series: [{
      type: "heatmap", itemStyle: { borderColor: v("--paper"), borderWidth: 2, borderRadius: 3 }, emphasis: { itemStyle: { borderColor: v("--ink") } },
      label: { show: cells.some((c) => c.text), fontSize: 12, formatter: (p) => p.data.text ?? "" },
      data: cells.map((c) => ({ ...c, label: { color: c.value[2] > most * (dark.matches ? 0.55 : 0.72) ? v("--paper") : v("--ink") } })),
    }],
  };
}

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
      ...mapOptions({ v, text, across: hours, down: days, cells, most, share: percent }),
    });
  };
  paint();
  dark.addEventListener("change", paint);
  new ResizeObserver(() => chart.resize()).observe(space);
}

// Looks of series as the drawing that is there without this script has them: colour, dash, mark, hatching.
const looks = [
  { tone: "--river", dash: "solid", mark: "circle", decal: { symbol: "none" } },
  { tone: "--amber", dash: [9, 4], mark: "rect", decal: { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [3, 4], rotation: Math.PI / 4 } },
  { tone: "--ink", dash: [2, 4], mark: "triangle", decal: { symbol: "circle", dashArrayX: [[5, 5], [0, 5, 5, 0]], dashArrayY: [5, 0], symbolSize: 0.8 } },
  { tone: "--green", dash: [12, 4, 2, 4], mark: "diamond", decal: { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [3, 4] } },
  { tone: "--quiet", dash: [5, 5], mark: "roundRect", decal: { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [3, 4], rotation: -Math.PI / 4 } },
];

// A figure with its table: the still drawing gives way to one that tells what is under the pointer.
function enliven(figure) {
  const table = figure.querySelector(".chart__table table");
  const space = figure.querySelector("[data-live]");
  if (!table || !space) return;
  const heads = [...table.querySelectorAll("thead th")].slice(1).map((th) => th.textContent.trim());
  const rows = [...table.querySelectorAll("tbody tr")].map((tr) => ({
    name: tr.querySelector("th").textContent.trim(),
    cells: [...tr.querySelectorAll("td")].map((td) => ({ value: td.dataset.v === undefined ? null : Number(td.dataset.v), said: td.textContent.trim() })),
  }));
  const heat = figure.dataset.kind === "heat";
  figure.classList.add("is-live");
  space.style.height = heat ? rows.length * 34 + 96 + "px" : "320px";
  const chart = init(space, null, { renderer: "canvas" });
  const paint = () => {
    const style = getComputedStyle(document.documentElement);
    const v = (name) => style.getPropertyValue(name).trim();
    const text = { color: v("--quiet"), fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 13 };
    const tooltip = tip(v, text);
    const common = {
      aria: { enabled: true, decal: { show: figure.dataset.kind === "bar" && heads.length > 1, decals: looks.map((l) => ({ color: v("--surface"), ...l.decal })) }, label: { description: figure.dataset.said } },
      animation: !still.matches, animationDuration: 120,
    };
    const share = figure.dataset.unit === "share";
    if (heat) {
      const cells = rows.flatMap((r, y) => r.cells.map((c, x) => ({ value: [x, y, c.value], text: c.said, said: `${r.name}  ${heads[x]}\n${c.said}` }))).filter((c) => c.value[2] !== null);
      const most = share ? 1 : Math.max(1, ...cells.map((c) => c.value[2]));
      return chart.setOption({ ...common, ...mapOptions({ v, text, across: heads, down: rows.map((r) => r.name), cells, most, share }) });
    }
    const bar = figure.dataset.kind === "bar";
    chart.setOption({
      ...common,
      tooltip: {
        ...tooltip, trigger: "axis", axisPointer: { type: bar ? "shadow" : "line" },
        formatter: (list) => [rows[list[0].dataIndex].name, ...list.map((p) => `${heads[p.seriesIndex]}  ${rows[p.dataIndex].cells[p.seriesIndex].said}`)].join("\n"),
      },
      grid: { left: 8, right: 16, top: 16, bottom: 8, containLabel: true },
      xAxis: { type: "category", data: rows.map((r) => r.name), axisLabel: { ...text, hideOverlap: true }, axisLine: { lineStyle: { color: v("--edge") } }, axisTick: { show: false } },
      yAxis: {
        type: "value", splitNumber: 4, splitLine: { lineStyle: { color: v("--line") } },
        axisLabel: { ...text, formatter: (n) => (share ? `${Math.round(n * 100)} %` : n.toLocaleString("en")) },
      },
      series: heads.map((name, i) => {
        const look = looks[i % looks.length];
        const data = rows.map((r) => r.cells[i].value);
        return bar
          ? { type: "bar", name, data, color: v(look.tone), barMaxWidth: 44 }
          : { type: "line", name, data, color: v(look.tone), symbol: look.mark, symbolSize: 7, showAllSymbol: "auto", lineStyle: { width: 2, type: look.dash }, emphasis: { disabled: true } };
      }),
    });
  };
  paint();
  dark.addEventListener("change", paint);
  new ResizeObserver(() => chart.resize()).observe(space);
}

for (const figure of document.querySelectorAll("[data-chart=hours]")) draw(figure);
for (const figure of document.querySelectorAll("figure.chart[data-kind]")) enliven(figure);
