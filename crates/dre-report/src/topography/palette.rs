//! Colours of maps: blue below 0, orange above, which people with colour-blindness tell apart; 0 is the colour of the ground.

use std::fmt::Write as _;

use crate::compact::base64;

/// Colours from the lowest value to the highest; the middle one is 0.
pub(crate) const N_COLOURS: usize = 65;
/// The colour of 0.
const ZERO: usize = N_COLOURS / 2;
/// Stands for "nothing is shown here" in a raster.
const CLEAR: u8 = N_COLOURS as u8;

/// Red, green and blue at equal steps from the lowest value to the highest.
type Anchors = [[u8; 3]; 7];
const LIGHT: Anchors = [
    [0x08, 0x30, 0x6b],
    [0x1f, 0x6f, 0xb4],
    [0x8c, 0xbf, 0xe2],
    [0xf6, 0xf5, 0xf2],
    [0xf5, 0xb0, 0x75],
    [0xcf, 0x5a, 0x0c],
    [0x75, 0x26, 0x00],
];
const DARK: Anchors = [
    [0xc4, 0xe4, 0xff],
    [0x56, 0xae, 0xee],
    [0x1c, 0x5f, 0x9c],
    [0x1e, 0x23, 0x29],
    [0x93, 0x42, 0x0f],
    [0xee, 0x86, 0x38],
    [0xff, 0xd9, 0xb4],
];

/// Index of the colour of `value` where ± `limit` are the extremes.
pub(crate) fn index(value: f64, limit: f64) -> usize {
    let share = (value / limit).clamp(-1.0, 1.0);
    (ZERO as f64 + (share * ZERO as f64).round()) as usize
}

fn colour(anchors: &Anchors, index: usize) -> [u8; 3] {
    let place = index as f64 / (N_COLOURS - 1) as f64 * (anchors.len() - 1) as f64;
    let from = (place as usize).min(anchors.len() - 2);
    let share = place - from as f64;
    std::array::from_fn(|i| {
        let (a, b) = (f64::from(anchors[from][i]), f64::from(anchors[from + 1][i]));
        (a + share * (b - a)).round() as u8
    })
}

fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// The colour at `index` on a light ground.
pub(crate) fn on_light(index: usize) -> String {
    hex(colour(&LIGHT, index))
}

/// All colours, on a light and on a dark ground.
pub(crate) fn colours() -> [Vec<String>; 2] {
    [&LIGHT, &DARK].map(|anchors| (0..N_COLOURS).map(|i| hex(colour(anchors, i))).collect())
}

/// Style sheet with the colour bars as gradients: `--ramp` from lowest to highest, `--ramp-up` from 0.
pub(crate) fn style() -> String {
    let bars = |anchors: &Anchors| {
        let stops = |anchors: &[[u8; 3]]| anchors.iter().map(|c| hex(*c)).collect::<Vec<_>>().join(",");
        let (all, up) = (stops(anchors), stops(&anchors[anchors.len() / 2..]));
        format!(":root{{--ramp:linear-gradient(to right,{all});--ramp-up:linear-gradient(to right,{up})}}")
    };
    let (light, dark) = (bars(&LIGHT), bars(&DARK));
    format!("{light}\n@media screen and (prefers-color-scheme:dark){{{dark}}}\n")
}

/// A square raster of `side` × `side` values (top row first, NaN: nothing is shown) as the address of a PNG picture, in the
/// colours on a light ground.
pub(crate) fn raster(values: &[f64], side: usize, limit: f64) -> String {
    let pixels: Vec<u8> = values.iter().map(|v| if v.is_finite() { index(*v, limit) as u8 } else { CLEAR }).collect();
    let mut colours: Vec<u8> = (0..N_COLOURS).flat_map(|i| colour(&LIGHT, i)).collect();
    colours.extend([0; 3]);
    let mut opacity = vec![255; N_COLOURS];
    opacity.push(0);
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, side as u32, side as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    encoder.set_palette(colours);
    encoder.set_trns(opacity);
    let mut writer = encoder.write_header().expect("writing to memory does not fail");
    writer.write_image_data(&pixels).expect("there is a value for each pixel");
    writer.finish().expect("writing to memory does not fail");
    let mut address = String::from("data:image/png;base64,");
    let _ = write!(address, "{}", base64(&file));
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_the_middle_and_extremes_are_the_ends() {
        assert_eq!([index(-3.0, 2.0), index(0.0, 2.0), index(1.0, 2.0), index(9.0, 2.0)], [0, 32, 48, 64]);
        assert_eq!(on_light(32), "#f6f5f2");
        assert_eq!((on_light(0), on_light(64)), ("#08306b".to_owned(), "#752600".to_owned()));
    }

    /// Lightness has to fall from 0 to either end on a light ground and rise on a dark one, so that a map can be read
    /// without colours.
    #[test]
    fn strength_is_lightness() {
        let luminance = |anchors: &Anchors, i: usize| {
            let [r, g, b] = colour(anchors, i).map(f64::from);
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        for i in ZERO..N_COLOURS - 1 {
            for (from, to) in [(i, i + 1), (N_COLOURS - 1 - i, N_COLOURS - 2 - i)] {
                assert!(luminance(&LIGHT, from) > luminance(&LIGHT, to), "light {from}");
                assert!(luminance(&DARK, from) < luminance(&DARK, to), "dark {from}");
            }
        }
    }

    #[test]
    fn a_raster_reads_back() {
        let address = raster(&[1.0, f64::NAN, -1.0, 0.0], 2, 1.0);
        assert!(address.starts_with("data:image/png;base64,iVBORw0KGgo"), "{address}");
    }
}
