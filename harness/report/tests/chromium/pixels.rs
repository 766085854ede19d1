//! Compares screenshots. With the same browser and the same fonts nearly every pixel is the same; with others, the picture is: where it is dark
//! and where it is coloured, on a coarse grid.

use std::{fs, path::Path};

/// A picture in RGB.
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    rgb: Vec<[u8; 3]>,
}

/// Two pixels differ when one of their channels does by more.
const CHANNEL: u8 = 24;

/// The share of pixels that may differ under the same browser and fonts: a caret, an edge.
const DIFFERING: f64 = 0.002;

/// Length of a field of the coarse grid, in pixels: some lines of text.
const FIELD: usize = 48;

/// How much two coarse grids must correlate under other fonts. An empty page has 0; another view of the same report has less (tested below).
const CORRELATION: f64 = 0.6;

impl Picture {
    pub(crate) fn decode(png: &[u8]) -> Self {
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut bytes).unwrap();
        let channels = frame.color_type.samples();
        assert!(channels >= 3 && frame.bit_depth == png::BitDepth::Eight, "{frame:?}");
        let rgb = bytes[..frame.buffer_size()].chunks_exact(channels).map(|it| [it[0], it[1], it[2]]).collect();
        Self { width: frame.width as usize, height: frame.height as usize, rgb }
    }

    pub(crate) fn read(path: &Path) -> Self {
        Self::decode(&fs::read(path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display())))
    }

    /// Darkness and colour of each field.
    fn coarse(&self) -> Vec<f64> {
        let (columns, rows) = (self.width.div_ceil(FIELD), self.height.div_ceil(FIELD));
        let mut fields = vec![[0.0; 3]; columns * rows];
        for (place, [r, g, b]) in self.rgb.iter().enumerate() {
            let field = &mut fields[place / self.width / FIELD * columns + place % self.width / FIELD];
            let (r, g, b) = (f64::from(*r), f64::from(*g), f64::from(*b));
            field[0] += 255.0 - (r + g + b) / 3.0;
            field[1] += r.max(g).max(b) - r.min(g).min(b);
            field[2] += 1.0;
        }
        fields.iter().flat_map(|[dark, colour, count]| [dark / count, colour / count]).collect()
    }
}

/// Why the pictures are not the same; `None` when they are. `strictly` where browser and fonts are the same.
pub(crate) fn difference(seen: &Picture, wanted: &Picture, strictly: bool) -> Option<String> {
    if (seen.width, seen.height) != (wanted.width, wanted.height) {
        return Some(format!("{}x{} and not {}x{}", seen.width, seen.height, wanted.width, wanted.height));
    }
    if strictly {
        let differs = |(one, other): (&[u8; 3], &[u8; 3])| one.iter().zip(other).any(|(a, b)| a.abs_diff(*b) > CHANNEL);
        let count = seen.rgb.iter().zip(&wanted.rgb).filter(|pair| differs(*pair)).count();
        #[allow(clippy::cast_precision_loss)] // fewer than 2^53 pixels
        let share = count as f64 / seen.rgb.len() as f64;
        return (share > DIFFERING).then(|| format!("{count} pixels differ, {:.2} %", share * 100.0));
    }
    let alike = correlation(&seen.coarse(), &wanted.coarse());
    (alike < CORRELATION).then(|| format!("the coarse pictures correlate by {alike:.2}, and should by {CORRELATION}"))
}

#[allow(clippy::cast_precision_loss)] // a few hundred fields
fn correlation(one: &[f64], other: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_one, mean_other) = (mean(one), mean(other));
    let (mut both, mut ones, mut others) = (0.0, 0.0, 0.0);
    for (a, b) in one.iter().zip(other) {
        let (a, b) = (a - mean_one, b - mean_other);
        both += a * b;
        ones += a * a;
        others += b * b;
    }
    if ones == 0.0 || others == 0.0 { 0.0 } else { both / (ones * others).sqrt() }
}

/// The comparison itself can fail, without a browser.
#[test]
fn another_view_and_an_empty_page_are_told_apart() {
    let samples = crate::sample::samples().join("campaign");
    let overview = Picture::read(&samples.join("overview.png"));
    let ladder = Picture::read(&samples.join("ladder.png"));
    let size = (overview.width, overview.height);
    assert_eq!(size, (ladder.width, ladder.height));
    let empty = Picture { width: size.0, height: size.1, rgb: vec![[255; 3]; size.0 * size.1] };
    for strictly in [true, false] {
        assert_eq!(difference(&overview, &overview, strictly), None);
        for wrong in [&ladder, &empty] {
            let told = difference(wrong, &overview, strictly);
            println!("{told:?}");
            assert!(told.is_some(), "strictly: {strictly}");
        }
    }
    // The same picture three pixels lower, as with a font of other height: good enough, but not strictly.
    let lower = 3 * size.0;
    let mut rgb = overview.rgb.clone();
    rgb.rotate_right(lower);
    let moved = Picture { width: size.0, height: size.1, rgb };
    assert!(difference(&moved, &overview, true).is_some());
    assert_eq!(difference(&moved, &overview, false), None);
}
