//! Topographic maps: values of all channels over the head, still or moved by a slider.
//!
//! [`Maps`] takes values per frame and channel and gives a [`MapsFigure`] for the template and a [`MapsStore`] for the script.
//! The first picture of each map is drawn here; `templates/maps.js` draws the others by the same splines.

pub(crate) mod montage;
pub(crate) mod palette;
pub(crate) mod sensors;
pub(crate) mod spline;

use serde::Serialize;

use crate::charts::topomap::{MapOf, draw};
use crate::compact::{self, Compact};
use crate::format;
use crate::scale::extent;
use crate::store::rounded;
use sensors::{Montage, Sensors, SensorsStore, Site};

/// With fewer sites nothing is interpolated: what lies between them is not known.
pub(crate) const INTERPOLATE_FROM: usize = 12;
/// Farther than this from any sensor (radians) a map stays empty.
pub(crate) const REACH: f64 = 0.6;
/// Frames of a slider at most.
const MAX_FRAMES: usize = 60;
/// Frames are not thinned below this number for the sake of size.
const MIN_FRAMES: usize = 12;
/// Bytes of base64 that one set of moving maps may add to the page.
const BUDGET: usize = 700_000;

/// How the two planar gradiometers of a place are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pairs {
    /// Root of the mean square: for amplitudes, whose sign follows the sensor's orientation.
    Rms,
    /// Mean: for scores, whose sign means something.
    Mean,
}

/// One step of the slider.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Frame {
    /// What is shown beside the slider: `0.25 s`.
    pub(crate) label: String,
    /// Place on the time axis of the figures that follow the slider; none where there is none.
    pub(crate) at: Option<f64>,
}

/// Values of one map.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// What stands above the map: the name of a model or a feature.
    pub(crate) name: String,
    /// Classes of its colour, as [`crate::charts::model_class`] gives them; may be empty.
    pub(crate) class: String,
    /// Frame × channel of the cohort; NaN where nothing was measured.
    pub(crate) values: Vec<Vec<f64>>,
    /// Frame × channel: what is marked as significant; none where nothing was tested.
    pub(crate) significant: Option<Vec<Vec<bool>>>,
}

/// Maps that stand side by side.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) title: String,
    pub(crate) series: Vec<Series>,
}

/// Maps on one scale per channel type, all moved by one slider.
#[derive(Clone, Debug)]
pub(crate) struct Maps {
    /// Name of their data in the store; unique on the page.
    pub(crate) id: String,
    pub(crate) caption: String,
    /// What the values are: `r`, `amplitude (scaled units)`.
    pub(crate) units: &'static str,
    /// What the slider moves: `time`, `lag`.
    pub(crate) axis: &'static str,
    /// One for a still map.
    pub(crate) frames: Vec<Frame>,
    /// The frame that is shown first.
    pub(crate) first: usize,
    pub(crate) rows: Vec<Row>,
    pub(crate) pairs: Pairs,
}

/// Maps as the template shows them.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct MapsFigure {
    id: String,
    caption: String,
    units: &'static str,
    axis: &'static str,
    /// Index of the last frame; 0 for still maps, which have no slider.
    last: usize,
    first: usize,
    label: String,
    rows: Vec<RowFigure>,
}

/// Maps of one row and channel type.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RowFigure {
    pub(crate) title: String,
    /// Type of its channels, where there is more than one; else empty.
    pub(crate) kind: String,
    pub(crate) low: String,
    pub(crate) high: String,
    /// Whether there are negative values.
    pub(crate) signed: bool,
    pub(crate) maps: Vec<MapFigure>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct MapFigure {
    pub(crate) name: String,
    class: String,
    /// Index in [`MapsStore::maps`].
    index: usize,
    /// The picture of the first frame.
    pub(crate) svg: String,
}

impl MapsFigure {
    pub(crate) fn rows(&self) -> &[RowFigure] {
        &self.rows
    }

    pub(crate) fn units(&self) -> &'static str {
        self.units
    }
}

/// Numbers of a set of maps for the script.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct MapsStore {
    id: String,
    first: usize,
    frames: Vec<Frame>,
    maps: Vec<MapStore>,
}

#[derive(Clone, Debug, Serialize)]
struct MapStore {
    name: String,
    /// Index in [`SplineStore::sensors`].
    sensors: usize,
    limit: f64,
    /// Whether there are negative values.
    signed: bool,
    /// (frame, site).
    values: Compact,
    /// Sites that are marked, per frame; empty where nothing was tested.
    significant: Vec<Vec<usize>>,
}

/// What all maps share.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SplineStore {
    sensors: Vec<SensorsStore>,
    /// On a light and on a dark ground.
    colours: [Vec<String>; 2],
    order: i32,
    terms: usize,
    smoothing: f64,
    reach: f64,
    interpolate_from: usize,
}

impl SplineStore {
    pub(crate) fn new(montage: &Montage) -> Self {
        Self {
            sensors: montage.groups.iter().map(Sensors::store).collect(),
            colours: palette::colours(),
            order: spline::ORDER,
            terms: spline::TERMS,
            smoothing: spline::SMOOTHING,
            reach: REACH,
            interpolate_from: INTERPOLATE_FROM,
        }
    }
}

/// Indices of at most [`MAX_FRAMES`] of `n` samples, evenly from the first on; fewer where `n_maps` maps of `n_channels` would
/// grow too large. `keep` is among them.
pub(crate) fn thinned(n: usize, keep: usize, n_maps: usize, n_channels: usize) -> Vec<usize> {
    let affordable = BUDGET / compact::size((n_maps * n_channels).max(1));
    let step = n.div_ceil(affordable.clamp(MIN_FRAMES, MAX_FRAMES)).max(1);
    (keep % step..n).step_by(step).collect()
}

impl Maps {
    /// Pictures and numbers; none where the montage has no sensors or no value is finite.
    pub(crate) fn draw(self, montage: &Montage) -> Option<(MapsFigure, MapsStore)> {
        let frame = self.frames.get(self.first)?;
        let mut rows = Vec::new();
        let mut maps: Vec<MapStore> = Vec::new();
        let scales: Vec<Option<(f64, f64)>> = montage.groups.iter().map(|g| self.scale(g)).collect();
        for row in &self.rows {
            for (index, (sensors, scale)) in montage.groups.iter().zip(&scales).enumerate() {
                let Some((low, high)) = *scale else { continue };
                let (limit, signed) = (high.max(-low), low < 0.0);
                let mut shown = Vec::new();
                for series in &row.series {
                    let values = self.combined(series, sensors);
                    if values.iter().flatten().all(|v| v.is_nan()) {
                        continue;
                    }
                    let significant = significant(series, sensors);
                    let label = spoken(series, row, frame, sensors, &values[self.first]);
                    let picture = MapOf {
                        sensors,
                        values: &values[self.first],
                        significant: significant.get(self.first).map_or(&[][..], Vec::as_slice),
                        limit,
                        signed,
                        label: &label,
                    };
                    let svg = draw(&picture);
                    let (name, class) = (series.name.clone(), series.class.clone());
                    shown.push(MapFigure { name: name.clone(), class, index: maps.len(), svg });
                    let values = Compact::new(&values.concat());
                    maps.push(MapStore { name, sensors: index, limit, signed, values, significant });
                }
                if !shown.is_empty() {
                    let several = montage.groups.len() > 1 || sensors.paired();
                    let combined = match (sensors.paired(), self.pairs) {
                        (false, _) => "",
                        (true, Pairs::Rms) => ", root mean square of each pair",
                        (true, Pairs::Mean) => ", mean of each pair",
                    };
                    rows.push(RowFigure {
                        title: row.title.clone(),
                        kind: if several { format!("{}{combined}", sensors.kind) } else { String::new() },
                        low: if signed { short(-limit) } else { "0".to_owned() },
                        high: short(limit),
                        signed,
                        maps: shown,
                    });
                }
            }
        }
        if maps.is_empty() {
            return None;
        }
        let figure = MapsFigure {
            id: self.id.clone(),
            caption: self.caption,
            units: self.units,
            axis: self.axis,
            last: self.frames.len() - 1,
            first: self.first,
            label: frame.label.clone(),
            rows,
        };
        Some((figure, MapsStore { id: self.id, first: self.first, frames: self.frames, maps }))
    }

    /// Lowest and highest value of all maps of one type; none where no value is finite.
    fn scale(&self, sensors: &Sensors) -> Option<(f64, f64)> {
        let series = self.rows.iter().flat_map(|row| &row.series);
        let (low, high) = extent(series.flat_map(|s| self.combined(s, sensors).concat()))?;
        Some(if low == 0.0 && high == 0.0 { (0.0, 1.0) } else { (low, high) })
    }

    /// Frame × site.
    fn combined(&self, series: &Series, sensors: &Sensors) -> Vec<Vec<f64>> {
        let of_site = |row: &Vec<f64>, site: &Site| {
            let values = site.channels.iter().map(|c| row.get(*c).copied().unwrap_or(f64::NAN));
            combine(values.filter(|v| v.is_finite()), sensors.paired(), self.pairs)
        };
        series.values.iter().map(|row| sensors.sites.iter().map(|site| of_site(row, site)).collect()).collect()
    }
}

/// What a site shows of its channels' values: of sensors in pairs, sites with one channel are treated alike.
fn combine(values: impl Iterator<Item = f64>, paired: bool, pairs: Pairs) -> f64 {
    let rms = paired && pairs == Pairs::Rms;
    let (sum, n) = values.fold((0.0, 0), |(sum, n), v| (sum + if rms { v * v } else { v }, n + 1));
    // NaN where nothing was measured.
    let mean = sum / f64::from(n);
    if rms { mean.sqrt() } else { mean }
}

fn significant(series: &Series, sensors: &Sensors) -> Vec<Vec<usize>> {
    let Some(frames) = &series.significant else { return Vec::new() };
    let marked = |row: &Vec<bool>, site: &Site| site.channels.iter().any(|c| row.get(*c) == Some(&true));
    let of_frame = |row: &Vec<bool>| {
        sensors.sites.iter().enumerate().filter(|(_, site)| marked(row, site)).map(|(i, _)| i).collect()
    };
    frames.iter().map(of_frame).collect()
}

/// Three significant digits.
fn short(value: f64) -> String {
    let decimals = (2.0 - value.abs().log10().floor()).clamp(0.0, 6.0);
    format::fixed(value, decimals as usize)
}

fn spoken(series: &Series, row: &Row, frame: &Frame, sensors: &Sensors, values: &[f64]) -> String {
    let names = sensors.sites.iter().map(|s| s.name.as_str());
    let finite = names.zip(values).filter(|(_, v)| v.is_finite());
    let largest = finite.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
    let largest = largest.map_or_else(
        || "nothing was measured".to_owned(),
        |(name, v)| format!("largest {} at {name}", short(rounded(*v, 9))),
    );
    let at = if frame.label.is_empty() { String::new() } else { format!(" at {}", frame.label) };
    format!("Map of the head: {}, {} ({}){at}; {largest}.", row.title, series.name, sensors.kind)
}

#[cfg(test)]
mod tests {
    use dre::data::{Channel, ChannelType};

    use super::*;

    fn channels(n: usize, kind: ChannelType) -> Vec<Channel> {
        let position = |i: usize| {
            let angle = 2.4 * i as f64;
            let polar = 1.5 * (i as f64 + 0.5) / n as f64;
            Some([0.1 * polar.sin() * angle.cos(), 0.1 * polar.sin() * angle.sin(), 0.1 * polar.cos()])
        };
        (0..n).map(|i| Channel { name: format!("C{i}"), kind, position: position(i) }).collect()
    }

    fn maps(values: Vec<Vec<f64>>, pairs: Pairs) -> Maps {
        let frames = (0..values.len()).map(|i| Frame { label: format!("{i} s"), at: Some(i as f64) }).collect();
        let marked = values.iter().map(|row| row.iter().map(|v| *v > 2.0).collect()).collect();
        let series = Series { name: "dre".to_owned(), class: String::new(), values, significant: Some(marked) };
        Maps {
            id: "test".to_owned(),
            caption: String::new(),
            units: "r",
            axis: "time",
            frames,
            first: 0,
            rows: vec![Row { title: "all".to_owned(), series: vec![series] }],
            pairs,
        }
    }

    #[test]
    fn scores_that_are_never_negative_start_at_zero() {
        let montage = Montage::new(&channels(20, ChannelType::Mag));
        let (figure, _) = maps(vec![vec![0.25; 20]], Pairs::Mean).draw(&montage).expect("drawn");
        assert!(!figure.rows[0].signed);
        assert_eq!((figure.rows[0].low.as_str(), figure.rows[0].high.as_str()), ("0", "0.250"));
        let mut values = vec![0.25; 20];
        values[3] = -0.5;
        let (figure, _) = maps(vec![values], Pairs::Mean).draw(&montage).expect("drawn");
        assert_eq!((figure.rows[0].low.as_str(), figure.rows[0].high.as_str()), ("\u{2212}0.500", "0.500"));
    }

    #[test]
    fn amplitudes_of_a_pair_have_no_sign_and_scores_do() {
        let value = |pairs| combine([3.0, -4.0].into_iter(), true, pairs);
        assert!((value(Pairs::Rms) - 12.5f64.sqrt()).abs() < 1e-12);
        assert!((value(Pairs::Mean) + 0.5).abs() < 1e-12);
        assert!((combine([-4.0].into_iter(), false, Pairs::Rms) + 4.0).abs() < 1e-12);
        assert!(combine([].into_iter(), true, Pairs::Rms).is_nan());
    }

    #[test]
    fn marks_follow_the_frames() {
        let montage = Montage::new(&channels(20, ChannelType::Mag));
        let mut second = vec![0.0; 20];
        second[7] = 3.0;
        let (figure, store) = maps(vec![vec![1.0; 20], second], Pairs::Mean).draw(&montage).expect("drawn");
        assert_eq!(store.maps[0].significant, [vec![], vec![7]]);
        assert_eq!(figure.last, 1);
    }

    #[test]
    fn few_sensors_are_not_interpolated() {
        let few = Montage::new(&channels(INTERPOLATE_FROM - 1, ChannelType::Eeg));
        let (figure, _) = maps(vec![vec![1.0; INTERPOLATE_FROM - 1]], Pairs::Mean).draw(&few).expect("drawn");
        let svg = &figure.rows[0].maps[0].svg;
        assert!(!svg.contains("<image") && svg.matches(">1.00</text>").count() == INTERPOLATE_FROM - 1);
        let enough = Montage::new(&channels(INTERPOLATE_FROM, ChannelType::Eeg));
        let (figure, _) = maps(vec![vec![1.0; INTERPOLATE_FROM]], Pairs::Mean).draw(&enough).expect("drawn");
        assert!(figure.rows[0].maps[0].svg.contains("<image"));
    }

    #[test]
    fn nothing_measured_is_no_map() {
        let montage = Montage::new(&channels(20, ChannelType::Mag));
        assert!(maps(vec![vec![f64::NAN; 20]], Pairs::Mean).draw(&montage).is_none());
        assert!(maps(vec![vec![1.0; 20]], Pairs::Mean).draw(&Montage::default()).is_none());
    }

    #[test]
    fn frames_are_thinned_evenly_and_keep_the_one_shown_first() {
        let kept = thinned(301, 107, 4, 30);
        assert!(kept.len() <= MAX_FRAMES + 1 && kept.contains(&107), "{kept:?}");
        assert!(kept.windows(2).all(|w| w[1] - w[0] == kept[1] - kept[0]));
        assert_eq!(thinned(5, 2, 4, 30), [0, 1, 2, 3, 4]);
        assert!(thinned(301, 0, 60, 273).len() >= MIN_FRAMES);
    }
}
