// Draws the page's charts from the numbers that its tables show, in the theme of the page; the tables stand without it.
(() => {
  const drawings = JSON.parse(document.getElementById("drawings")?.textContent ?? "{}");
  const charts = new Map();
  const inWords = new Intl.NumberFormat(document.documentElement.lang || undefined);

  // Colours and type are the style sheet's; in print they are those of paper.
  const look = (holder) => {
    const style = getComputedStyle(holder);
    const of = (name) => style.getPropertyValue(name).trim();
    const tone = (name) => of(`--chart-${name}`);
    return { ink: of("--chart-ink"), line: of("--chart-line"), tone, font: style.fontFamily };
  };

  const series = (drawing, { tone, ink }) => drawing.series.map((one, number) => ({
    type: "bar",
    name: one.name,
    stack: drawing.stacked ? "all" : undefined,
    barMaxWidth: 28,
    itemStyle: { color: tone(drawing.tones[number]) },
    data: one.values.map((value, row) => ({
      value: value ?? 0,
      cursor: one.urls[row] ? "pointer" : "default",
      itemStyle: drawing.series.length === 1 && drawing.tones.length > 1 ? { color: tone(drawing.tones[row]) } : undefined,
    })),
    label: {
      show: !drawing.upright,
      position: "right",
      color: ink,
      formatter: (bar) => one.texts[bar.dataIndex],
    },
  }));

  const option = (holder, drawing) => {
    const found = look(holder);
    const { ink, line, font } = found;
    const narrow = holder.clientWidth < 480;
    const names = {
      type: "category",
      data: drawing.labels,
      inverse: !drawing.upright,
      axisTick: { show: false },
      axisLine: { lineStyle: { color: line } },
      axisLabel: {
        color: ink,
        interval: drawing.upright ? "auto" : 0,
        rotate: drawing.upright && drawing.labels.length > 4 ? 45 : 0,
        width: drawing.upright ? undefined : (narrow ? 110 : 190),
        overflow: "truncate",
      },
    };
    const numbers = {
      type: "value",
      minInterval: drawing.upright && drawing.stacked ? 1 : undefined,
      axisLabel: { color: ink, show: drawing.upright, formatter: (number) => inWords.format(number) },
      splitLine: { show: drawing.upright, lineStyle: { color: line } },
    };
    return {
      animation: false,
      textStyle: { fontFamily: font, color: ink },
      grid: { left: 8, right: drawing.upright ? 12 : 64, top: drawing.series.length > 1 ? 32 : 8, bottom: 8, containLabel: true },
      legend: { show: drawing.series.length > 1, top: 0, left: 0, textStyle: { color: ink } },
      // Drawn, not HTML: a tooltip of markup would bring inline styles, which the page's policy refuses.
      tooltip: {
        renderMode: "richText",
        confine: true,
        backgroundColor: found.tone("paper"),
        borderColor: line,
        textStyle: { color: ink },
        formatter: (bar) => `${bar.name}\n${bar.seriesName}: ${drawing.series[bar.seriesIndex].texts[bar.dataIndex]}`,
      },
      xAxis: drawing.upright ? names : numbers,
      yAxis: drawing.upright ? numbers : names,
      series: series(drawing, found),
    };
  };

  const height = (drawing) => (drawing.upright ? 260 : 24 + 34 * drawing.labels.length * (drawing.series.length > 1 ? 1.4 : 1));

  const draw = (holder) => {
    const drawing = drawings[holder.dataset.drawing];
    if (!drawing) return;
    if (!charts.has(holder)) {
      holder.style.height = `${height(drawing)}px`;
      const chart = echarts.init(holder, null, { renderer: "svg" });
      chart.on("click", (bar) => {
        const url = drawing.series[bar.seriesIndex].urls[bar.dataIndex];
        if (url) window.location.assign(url);
      });
      charts.set(holder, chart);
    }
    charts.get(holder).setOption(option(holder, drawing), true);
  };

  const redraw = () => {
    for (const [holder, chart] of charts) {
      chart.resize();
      draw(holder);
    }
  };

  for (const holder of document.querySelectorAll("[data-drawing]")) draw(holder);
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
  window.addEventListener("resize", redraw);

  // Paper is white: the page is printed in its light theme whatever the screen has.
  let theme = null;
  window.addEventListener("beforeprint", () => {
    theme = document.documentElement.getAttribute("data-bs-theme");
    document.documentElement.setAttribute("data-bs-theme", "light");
    for (const [holder, chart] of charts) {
      draw(holder);
      chart.resize({ width: holder.clientWidth });
    }
  });
  window.addEventListener("afterprint", () => {
    if (theme) document.documentElement.setAttribute("data-bs-theme", theme);
    redraw();
  });
})();
