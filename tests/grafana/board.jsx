// Draws a dashboard's JSON with the components that Grafana publishes (@grafana/ui, @grafana/data).
//
// A server of Grafana's is not needed, and none is imitated: what is read from the JSON here is what
// these components take. Two things are not among them and are drawn by hand below, simply: the
// marks of events (a line and a foot in their colour) and the state timeline.
//
// `board(asked)` draws, and `measured()` says how it came out, panel by panel. `asked` is
// {dashboard, answers: {panel id: {letter: graphite-web's answer}}, marks: [{at, colour, panels}],
// from, until, theme, words: {variable: value}}, times in Unix seconds.
import { useLayoutEffect } from "react";
import { flushSync } from "react-dom";
import { createRoot } from "react-dom/client";
import medium from "@fontsource/inter/files/inter-latin-500-normal.woff2";
import regular from "@fontsource/inter/files/inter-latin-400-normal.woff2";
import uplot from "uplot/dist/uPlot.min.css";
import {
  FieldConfigOptionsRegistry,
  FieldType,
  applyFieldOverrides,
  colorManipulator,
  createTheme,
  dateTime,
  getDisplayValueAlignmentFactors,
  getFieldDisplayName,
  getFieldDisplayValues,
  toDataFrame,
} from "@grafana/data";
import {
  BarGauge,
  BigValue,
  BigValueTextMode,
  GlobalStyles,
  PanelChrome,
  ThemeContext,
  TimeSeries,
  VizRepeater,
} from "@grafana/ui";

const CELL = 30;
const GAP = 8;
const COLUMNS = 24;

// Every property that a field may have, taken as it is.
const asItIs = (id) => {
  const isCustom = id.startsWith("custom.");
  return {
    id,
    path: isCustom ? id.slice("custom.".length) : id,
    name: id,
    isCustom,
    process: (value) => value,
    shouldApply: () => true,
  };
};
const plain = "unit decimals min max color thresholds mappings links noValue displayName description"
  .split(" ")
  .map(asItIs);
const custom = (
  "drawStyle lineInterpolation lineWidth lineStyle fillOpacity gradientMode showPoints pointSize " +
  "spanNulls stacking axisPlacement axisLabel axisWidth axisSoftMin axisSoftMax axisGridShow " +
  "axisColorMode axisBorderShow axisCenteredZero scaleDistribution thresholdsStyle hideFrom " +
  "barAlignment barWidthFactor barMaxWidth transform fillBelowTo insertNulls"
)
  .split(" ")
  .map((name) => asItIs(`custom.${name}`));
// Where the axes of each panel end, as they were drawn.
const ends = {};
const REGISTRY = new FieldConfigOptionsRegistry(() => [...plain, ...custom]);

const filled = (text, words) =>
  Object.entries(words).reduce((said, [name, value]) => said.replaceAll(`$${name}`, value), text);

const rangeOf = (panel, { from, until }) => {
  const back = /^(\d+)s$/.exec(panel.timeFrom ?? "");
  const since = back ? until - Number(back[1]) : from;
  return { from: dateTime(since * 1000), to: dateTime(until * 1000), raw: { from: "", to: "" } };
};

const framesOf = (panel, asked, theme) => {
  const answers = asked.answers[panel.id] ?? {};
  const frames = panel.targets.flatMap(({ refId }) =>
    (answers[refId] ?? []).map(({ target, datapoints }) =>
      toDataFrame({
        refId,
        name: target,
        fields: [
          { name: "Time", type: FieldType.time, config: {}, values: datapoints.map((p) => p[1] * 1000) },
          {
            name: "Value",
            type: FieldType.number,
            config: { displayNameFromDS: target },
            values: datapoints.map((p) => p[0]),
          },
        ],
      }),
    ),
  );
  return applyFieldOverrides({
    data: frames,
    fieldConfig: panel.fieldConfig,
    fieldConfigRegistry: REGISTRY,
    replaceVariables: (text) => filled(text, asked.words),
    theme,
    timeZone: "utc",
  });
};

const nothing = (panel) => panel.fieldConfig.defaults.noValue ?? "No data";
const known = (frames) => frames.some((f) => f.fields[1].values.some((value) => value !== null));

const Nothing = ({ panel }) => (
  <div className="nothing" style={{ display: "grid", placeItems: "center", height: "100%", opacity: 0.7 }}>
    {nothing(panel)}
  </div>
);

// The marks: what Grafana draws with a part that it does not publish.
const Marks = ({ config, marks, panel }) => {
  useLayoutEffect(() => {
    config.addHook("draw", (u) => {
      ends[panel.id] = Object.entries(u.scales)
        .filter(([name]) => name !== "x")
        .map(([name, { min, max }]) => ({ name, min, max }));
      const { ctx, bbox } = u;
      ctx.save();
      for (const { at, colour } of marks) {
        const x = Math.round(u.valToPos(at * 1000, "x", true));
        if (x < bbox.left || x > bbox.left + bbox.width) continue;
        const foot = bbox.top + bbox.height;
        ctx.strokeStyle = ctx.fillStyle = colour;
        ctx.setLineDash([4, 4]);
        ctx.lineWidth = 1;
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, foot);
        ctx.stroke();
        ctx.beginPath();
        ctx.moveTo(x, foot);
        ctx.lineTo(x - 5, foot + 7);
        ctx.lineTo(x + 5, foot + 7);
        ctx.fill();
      }
      ctx.restore();
    });
  }, [config]);
  return null;
};

const Lines = ({ panel, frames, asked, width, height }) =>
  known(frames) ? (
    <TimeSeries
      frames={frames}
      structureRev={1}
      timeRange={rangeOf(panel, asked)}
      timeZone="utc"
      width={width}
      height={height}
      legend={panel.options.legend}
      options={panel.options}
    >
      {(config) => (
        <Marks
          config={config}
          panel={panel}
          marks={asked.marks.filter(({ panels }) => !panels || panels.includes(panel.id))}
        />
      )}
    </TimeSeries>
  ) : (
    <Nothing panel={panel} />
  );

const displayed = (panel, frames, theme, sparkline) =>
  getFieldDisplayValues({
    fieldConfig: panel.fieldConfig,
    reduceOptions: panel.options.reduceOptions,
    replaceVariables: (text) => text,
    theme,
    data: frames,
    sparkline,
    timeZone: "utc",
  });

const Big = ({ panel, frames, theme, width, height }) => {
  const { options } = panel;
  const withCourse = options.graphMode !== "none";
  const values = displayed(panel, frames, theme, withCourse);
  const few = values.length < 2 ? BigValueTextMode.Value : BigValueTextMode.ValueAndName;
  return (
    <VizRepeater
      getValues={() => values}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderCounter={0}
      source={frames}
      autoGrid
      orientation={options.orientation}
      width={width}
      height={height}
      renderValue={({ value, count, width, height, alignmentFactors }) => (
        <BigValue
          value={value.display}
          count={count}
          sparkline={withCourse ? value.sparkline : undefined}
          colorMode={options.colorMode}
          graphMode={options.graphMode}
          justifyMode={options.justifyMode}
          textMode={options.textMode === "auto" ? few : options.textMode}
          alignmentFactors={alignmentFactors}
          text={options.text}
          theme={theme}
          width={width}
          height={height}
        />
      )}
    />
  );
};

const Bars = ({ panel, frames, theme, width, height }) => {
  const { options } = panel;
  return (
    <VizRepeater
      getValues={() => displayed(panel, frames, theme, false)}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderCounter={0}
      source={frames}
      minVizWidth={options.minVizWidth}
      minVizHeight={options.minVizHeight}
      maxVizHeight={options.maxVizHeight}
      orientation={options.orientation}
      width={width}
      height={height}
      itemSpacing={options.displayMode === "lcd" ? 2 : 10}
      renderValue={({ value, width, height, orientation, alignmentFactors, count }) => (
        <BarGauge
          value={value.display}
          field={value.field}
          display={value.view?.getFieldDisplayProcessor(value.colIndex)}
          orientation={orientation}
          width={width}
          height={height}
          itemSpacing={10}
          lcdCellWidth={12}
          text={options.text}
          displayMode={options.displayMode}
          valueDisplayMode={options.valueMode}
          namePlacement={options.namePlacement}
          showUnfilled={options.showUnfilled}
          alignmentFactors={count > 1 ? alignmentFactors : undefined}
          theme={theme}
        />
      )}
    />
  );
};

// A row for each series, a stretch for each value: by hand, see above.
const alpha = (colour, share) => colorManipulator.alpha(colour, share);
const States = ({ panel, frames, asked, width, height }) => {
  const page = frames.slice(0, panel.options.perPage);
  const rows = page.map((frame) => ({ name: getFieldDisplayName(frame.fields[1], frame), frame }));
  const names = 90;
  const one = Math.max(2, Math.floor((height - 4) / Math.max(1, rows.length)));
  const range = rangeOf(panel, asked);
  const across = (ms) => ((ms - range.from.valueOf()) / (range.to.valueOf() - range.from.valueOf())) * (width - names);
  return (
    <div className="states" style={{ position: "relative", width, height, fontSize: 12 }}>
      {rows.map(({ name, frame }, n) => {
        const [time, field] = frame.fields;
        const parts = [];
        time.values.forEach((at, i) => {
          const value = field.values[i];
          const last = parts.at(-1);
          if (value === null) return;
          if (last && last.value === value && at - last.until <= 6000) last.until = at;
          else parts.push({ value, since: at, until: at });
        });
        return (
          <div key={name} style={{ position: "absolute", top: n * one, left: 0, width, height: one }}>
            {one >= 11 && <span style={{ position: "absolute", width: names - 8, textAlign: "right" }}>{name}</span>}
            {parts.map(({ value, since, until }) => {
              const said = field.display(value);
              const long = Math.max(1, across(until + 1000) - across(since));
              return (
                <div
                  key={since}
                  style={{
                    position: "absolute",
                    left: names + across(since),
                    width: long,
                    height: one * 0.9,
                    background: alpha(said.color, panel.fieldConfig.defaults.custom.fillOpacity / 100),
                    overflow: "hidden",
                    textAlign: "center",
                  }}
                >
                  {long > 60 && one >= 14 ? said.text : ""}
                </div>
              );
            })}
          </div>
        );
      })}
    </div>
  );
};

const KINDS = { timeseries: Lines, stat: Big, bargauge: Bars, "state-timeline": States };

const Shown = ({ panel, asked, theme, cell }) => {
  const { w, h } = panel.gridPos;
  const width = Math.floor(w * cell - GAP);
  const height = h * (CELL + GAP) - GAP;
  const Kind = KINDS[panel.type];
  const frames = framesOf(panel, asked, theme);
  return (
    <PanelChrome
      width={width}
      height={height}
      padding={panel.type === "timeseries" ? "sm" : "md"}
      title={filled(panel.title, asked.words)}
      description={panel.description}
    >
      {(innerWidth, innerHeight) => (
        <div data-panel={panel.id} style={{ width: innerWidth, height: innerHeight }}>
          <Kind {...{ panel, frames, asked, theme }} width={innerWidth} height={innerHeight} />
        </div>
      )}
    </PanelChrome>
  );
};

const Board = ({ asked }) => {
  const theme = createTheme({ colors: { mode: asked.theme } });
  const cell = (window.innerWidth - 2 * GAP) / COLUMNS;
  const bottom = Math.max(...asked.dashboard.panels.map(({ gridPos: { y, h } }) => y + h));
  const { background, text } = theme.colors;
  document.body.style.background = background.canvas;
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <style>{uplot}</style>
      <div style={{ color: text.primary, position: "relative", height: bottom * (CELL + GAP) + GAP }}>
        {asked.dashboard.panels.map((panel) => {
          const { x, y } = panel.gridPos;
          const at = { position: "absolute", left: GAP + x * cell, top: GAP + y * (CELL + GAP) };
          const row = panel.type === "row";
          return (
            <div key={panel.id} style={at}>
              {row ? (
                <div className="row-title" style={{ fontSize: 16, fontWeight: 500, padding: "4px 8px" }}>
                  {filled(panel.title, asked.words)}
                </div>
              ) : (
                <Shown {...{ panel, asked, theme, cell }} />
              )}
            </div>
          );
        })}
      </div>
    </ThemeContext.Provider>
  );
};

// Colours of what was drawn, by the name in the legend: what the components made of the JSON.
const coloursOf = (frames, theme) =>
  Object.fromEntries(
    frames.map((frame) => {
      const field = frame.fields[1];
      const { mode, fixedColor } = field.config.color ?? {};
      return [
        getFieldDisplayName(field, frame),
        mode === "fixed" ? theme.visualization.getColorByName(fixedColor) : (mode ?? ""),
      ];
    }),
  );

// How many points of a plot have which colour, the frequent ones; what shines through counts less.
const inksOf = (canvas) => {
  if (!canvas) return {};
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const found = new Map();
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] < 128) continue;
    const name = `#${[0, 1, 2].map((n) => data[i + n].toString(16).padStart(2, "0")).join("")}`;
    found.set(name, (found.get(name) ?? 0) + 1);
  }
  const often = [...found].sort((one, other) => other[1] - one[1]).slice(0, 40);
  return Object.fromEntries(often);
};

const sizeOf = (element) => {
  const { width, height } = element?.getBoundingClientRect() ?? { width: 0, height: 0 };
  return { width: Math.round(width), height: Math.round(height) };
};

const highestOf = (frames) => Math.max(...frames.flatMap((frame) => frame.fields[1].values));

window.fonts = async () => {
  for (const [weight, source] of [["400", regular], ["500", medium]]) {
    const face = new FontFace("Inter", `url(${source})`, { weight });
    document.fonts.add(await face.load());
  }
};

window.board = (asked) => {
  window.asked = asked;
  window.root?.unmount();
  window.root = createRoot(document.querySelector("main"));
  flushSync(() => window.root.render(<Board asked={asked} />));
};

window.measured = () => {
  const theme = createTheme({ colors: { mode: window.asked.theme } });
  return window.asked.dashboard.panels
    .filter((panel) => panel.type !== "row")
    .map((panel) => {
      const drawn = document.querySelector(`[data-panel="${panel.id}"]`);
      const frames = framesOf(panel, window.asked, theme);
      return {
        id: panel.id,
        type: panel.type,
        title: panel.title,
        known: known(frames),
        whole: sizeOf(drawn),
        plot: sizeOf(drawn.querySelector(".u-over")),
        ends: ends[panel.id] ?? [],
        courses: drawn.querySelectorAll("canvas").length,
        nothing: drawn.querySelector(".nothing")?.textContent ?? "",
        text: drawn.innerText,
        highest: frames.length ? highestOf(frames) : null,
        colours: panel.type === "timeseries" ? coloursOf(frames, theme) : {},
        inks: panel.type === "timeseries" ? inksOf(drawn.querySelector("canvas")) : {},
      };
    });
};
