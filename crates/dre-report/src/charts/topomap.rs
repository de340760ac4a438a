//! One map of the head from above, nose up.

use crate::format;
use crate::svg::{Anchor, Svg, num};
use crate::topography::sensors::{Sensors, dot, unproject};
use crate::topography::spline::Interpolator;
use crate::topography::{INTERPOLATE_FROM, REACH, palette};

/// Width and height of a map (px).
const SIZE: (f64, f64) = (156.0, 160.0);
/// Middle and radius of the outline (px).
const CENTRE: (f64, f64) = (78.0, 86.0);
const RADIUS: f64 = 66.0;
/// Pixels of the raster along one side.
const SIDE: usize = 72;

/// What a map shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MapOf<'a> {
    pub(crate) sensors: &'a Sensors,
    /// One value per site; NaN where nothing was measured.
    pub(crate) values: &'a [f64],
    /// Sites that are marked.
    pub(crate) significant: &'a [usize],
    /// Value of the strongest colours.
    pub(crate) limit: f64,
    /// Whether there are negative values; where there are none, interpolation makes none.
    pub(crate) signed: bool,
    /// What is read aloud.
    pub(crate) label: &'a str,
}

/// Draws the map: interpolated where there are enough sites, else a disc with its value for each site.
pub(crate) fn draw(what: &MapOf<'_>) -> String {
    let mut svg = Svg::new(SIZE.0, SIZE.1, what.label);
    let interpolated = what.sensors.sites.len() >= INTERPOLATE_FROM;
    if interpolated {
        let address = palette::raster(&interpolate(what), SIDE, what.limit);
        svg.image(&address, CENTRE.0 - RADIUS, CENTRE.1 - RADIUS, 2.0 * RADIUS);
    }
    head(&mut svg);
    if interpolated {
        svg.path("sensors", &dots(what.sensors, &(0..what.sensors.sites.len()).collect::<Vec<_>>()), "");
        svg.path("significant", &dots(what.sensors, what.significant), "data-significant=\"\"");
    } else {
        discs(&mut svg, what);
    }
    svg.finish()
}

/// Place of a site in the picture.
fn at(place: [f64; 2]) -> (f64, f64) {
    (CENTRE.0 + RADIUS * place[0], CENTRE.1 - RADIUS * place[1])
}

/// Outline, nose and ears.
fn head(svg: &mut Svg) {
    let ((x, y), r) = (CENTRE, RADIUS);
    let circle =
        format!("M{} {}a{r} {r} 0 1 0 {} 0a{r} {r} 0 1 0 {} 0Z", num(x - r), num(y), num(2.0 * r), num(-2.0 * r));
    let nose = format!(
        "M{} {}L{} {}L{} {}",
        num(x - 9.0),
        num(y - r + 0.6),
        num(x),
        num(y - r - 11.0),
        num(x + 9.0),
        num(y - r + 0.6)
    );
    let ear = |side: f64| {
        let edge = num(x + side * r);
        format!(
            "M{edge} {}q{} -7 {} 13q{} 20 {} 13",
            num(y - 13.0),
            num(side * 8.0),
            num(side * 7.0),
            num(-side),
            num(-side * 7.0)
        )
    };
    svg.path("head", &format!("{circle}{nose}{}{}", ear(-1.0), ear(1.0)), "");
}

fn dots(sensors: &Sensors, which: &[usize]) -> String {
    let dot = |i: &usize| {
        let (x, y) = at(sensors.sites[*i].place);
        format!("M{} {}h0", num(x), num(y))
    };
    which.iter().map(dot).collect()
}

fn discs(svg: &mut Svg, what: &MapOf<'_>) {
    for (i, (site, &value)) in what.sensors.sites.iter().zip(what.values).enumerate() {
        let (x, y) = at(site.place);
        svg.group(if what.significant.contains(&i) { "site marked" } else { "site" });
        let fill =
            if value.is_finite() { palette::on_light(palette::index(value, what.limit)) } else { "none".to_owned() };
        svg.filled_dot((x, y), 9.0, &fill);
        svg.text("small halo", (x, y - 12.0), Anchor::Middle, &format::ellipsis(&site.name, 9));
        svg.text("small value halo", (x, y + 20.0), Anchor::Middle, &format::fixed(value, 2));
        svg.end();
    }
}

/// Values of the raster, top row first; NaN outside the outline and farther than [`REACH`] from any sensor.
fn interpolate(what: &MapOf<'_>) -> Vec<f64> {
    let mut out = vec![f64::NAN; SIDE * SIDE];
    let (pixels, interpolator) = what.sensors.raster.get_or_init(|| raster(what.sensors));
    for (pixel, value) in pixels.iter().zip(interpolator.at_targets(what.values).into_iter().flatten()) {
        out[*pixel] = if what.signed { value } else { value.max(0.0) };
    }
    out
}

/// Pixels that are shown and the way to their values, the same for all maps of these sensors.
fn raster(sensors: &Sensors) -> (Vec<usize>, Interpolator) {
    // One pixel beyond the outline, which covers the raster's edge.
    let farthest = 1.0 + 2.0 / SIDE as f64;
    let directions = sensors.directions();
    let place = |i: usize| {
        let u = ((i % SIDE) as f64 + 0.5) / SIDE as f64 * 2.0 - 1.0;
        let v = 1.0 - ((i / SIDE) as f64 + 0.5) / SIDE as f64 * 2.0;
        (u.hypot(v) <= farthest).then(|| (i, unproject([u, v], sensors.edge)))
    };
    let near = |(_, target): &(usize, [f64; 3])| directions.iter().any(|d| dot(*d, *target) >= REACH.cos());
    let (pixels, targets): (Vec<usize>, Vec<[f64; 3]>) = (0..SIDE * SIDE).filter_map(place).filter(near).unzip();
    (pixels, Interpolator::new(directions, &targets))
}
