//! Lines over time as an SVG: a panel each for what has a unit of its own, one above the other.

use std::fmt::Write as _;

/// What shares an axis.
pub(crate) struct Panel {
    /// What is shown, with its unit.
    pub(crate) title: &'static str,
    /// Name and a value a second; a second without one leaves a gap.
    pub(crate) lines: Vec<(&'static str, Vec<Option<f64>>)>,
}

const WIDTH: f64 = 900.0;
/// Left of it stand the numbers of the axis.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 24.0;
/// Above the first panel.
const TOP: f64 = 66.0;
/// Of a panel: its title, its lines, and the space to the next one.
const TITLE: f64 = 22.0;
const PLOT: f64 = 84.0;
const GAP: f64 = 20.0;
const PANEL: f64 = TITLE + PLOT + GAP;
/// Below the last one: the axis of time.
const BOTTOM: f64 = 34.0;

/// Told apart by those who are colour-blind too (Okabe and Ito).
const COLOURS: [&str; 3] = ["#0072b2", "#d55e00", "#009e73"];

/// Draws the panels over the same time. `marks` are seconds with a line through all of them.
pub(crate) fn draw(title: &str, subtitle: &str, panels: &[Panel], marks: &[usize]) -> String {
    let seconds = panels
        .iter()
        .flat_map(|panel| panel.lines.iter().map(|(_, values)| values.len()))
        .max()
        .unwrap_or(1);
    let x = |second: f64| LEFT + (WIDTH - LEFT - RIGHT) * second / float(seconds);
    let below = TOP + PANEL * float(panels.len()) - GAP;
    let height = below + BOTTOM;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#333\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"{LEFT}\" y=\"26\" font-size=\"16\" font-weight=\"bold\">{title}</text>\n\
         <text x=\"{LEFT}\" y=\"46\" fill=\"#666\">{subtitle}</text>\n"
    );
    for mark in marks {
        let x = x(float(*mark));
        let _ = writeln!(
            svg,
            "<path d=\"M{x:.1} {TOP}V{below}\" stroke=\"#999\" stroke-dasharray=\"3 3\"/>"
        );
    }
    for (number, panel) in panels.iter().enumerate() {
        draw_panel(&mut svg, panel, TOP + PANEL * float(number), &x);
    }
    for second in (0..=seconds).step_by(30) {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#666\">{}:{:02}</text>",
            x(float(second)),
            below + 20.0,
            second / 60,
            second % 60
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw_panel(svg: &mut String, panel: &Panel, top: f64, x: &impl Fn(f64) -> f64) {
    let _ = writeln!(
        svg,
        "<text x=\"{LEFT}\" y=\"{:.1}\" font-weight=\"bold\">{}</text>",
        top + 14.0,
        panel.title
    );
    let values = || panel.lines.iter().flat_map(|(_, values)| values.iter().flatten().copied());
    let (step, most) = axis(values().fold(0.0, f64::max));
    let bottom = top + TITLE + PLOT;
    let y = |value: f64| bottom - PLOT * value / most;
    let mut at = 0.0;
    while at <= most * 1.001 {
        let line = y(at);
        let colour = if at == 0.0 { "#999" } else { "#ddd" };
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {line:.1}H{:.1}\" stroke=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#666\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            line + 4.0,
            number(at, step)
        );
        at += step;
    }
    // The last line has its name at the right edge, the others left of it.
    let mut right = WIDTH - RIGHT;
    for ((name, values), colour) in panel.lines.iter().zip(COLOURS).rev() {
        let _ = writeln!(
            svg,
            "<text x=\"{right:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"{colour}\">{name}</text>",
            top + 14.0
        );
        right -= 8.0 * float(name.len()) + 12.0;
        let mut path = String::new();
        let mut command = 'M';
        for (second, value) in values.iter().enumerate() {
            match value {
                Some(value) => {
                    // In the middle of the second that it is of.
                    let x = x(float(second) + 0.5);
                    let _ = write!(path, "{command}{x:.1} {:.1}", y(*value));
                    command = 'L';
                }
                None => command = 'M',
            }
        }
        let _ = writeln!(
            svg,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\" stroke-linejoin=\"round\"/>"
        );
    }
}

/// Distance of the lines of an axis, and its end, for values up to this one.
fn axis(most: f64) -> (f64, f64) {
    let most = if most > 0.0 { most } else { 1.0 };
    let rough = most / 3.0;
    let magnitude = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * magnitude)
        .find(|step| *step >= rough)
        .unwrap_or(rough);
    (step, step * (most / step).ceil())
}

/// With as many decimals as the steps have.
fn number(value: f64, step: f64) -> String {
    let decimals = (0..3).find(|decimals| {
        let shifted = step * 10_f64.powi(*decimals);
        (shifted - shifted.round()).abs() < 1e-6
    });
    match decimals {
        Some(0) => format!("{value:.0}"),
        Some(1) => format!("{value:.1}"),
        Some(2) => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

// Seconds and lengths of names are small.
#[allow(clippy::cast_precision_loss)]
const fn float(number: usize) -> f64 {
    number as f64
}
