//! Loss over passes.

use dre::results::PassRecord;

use super::{Frame, Look, Size, TEXT, spread_labels};
use crate::format;
use crate::scale::{extent, padded};
use crate::svg::{Anchor, Svg, path, text_width};

const LABELS: [&str; 2] = ["training", "validation"];

/// Draws the history of a model; empty where no loss is finite.
pub(crate) fn draw(look: Look, name: &str, history: &[PassRecord], best: Option<usize>, size: Size) -> String {
    let Some(domain) = extent(history.iter().flat_map(|p| [p.train_loss, p.valid_loss])) else {
        return String::new();
    };
    let height = if size == Size::Wide { 260.0 } else { 240.0 };
    let right = size.width() - LABELS.iter().map(|l| text_width(l, TEXT)).fold(0.0, f64::max) - 8.0;
    let passes = (1.0, history.len().max(2) as f64);
    let frame = Frame::new((50.0, right), (26.0, height - 42.0), passes, padded(domain, 0.06));
    let mut svg = Svg::new(size.width(), height, &spoken(name, history, best));
    frame.draw_y(&mut svg, "loss");
    frame.draw_x_counts(&mut svg, "pass over the training epochs");
    let lines: [Vec<f64>; 2] =
        [history.iter().map(|p| p.train_loss).collect(), history.iter().map(|p| p.valid_loss).collect()];
    svg.group(&look.class());
    for (line, class) in lines.iter().zip(["line secondary", "line"]) {
        let points = line.iter().enumerate().map(|(i, v)| (frame.x.at(i as f64 + 1.0), frame.y.at(*v)));
        svg.path(class, &path(points), "");
    }
    let kept = best.and_then(|i| Some((i, history.get(i)?.valid_loss))).filter(|(_, loss)| loss.is_finite());
    if let Some((i, loss)) = kept {
        let (x, y) = (frame.x.at(i as f64 + 1.0), frame.y.at(loss));
        svg.line("onset", (x, frame.top), (x, frame.bottom));
        svg.dot("ring", (x, y), 5.0, None);
        let (anchor, dx) =
            if x > f64::midpoint(frame.left, frame.right) { (Anchor::End, -9.0) } else { (Anchor::Start, 9.0) };
        svg.text("mark halo", (x + dx, frame.top + 12.0), anchor, &format!("kept: pass {}", i + 1));
    }
    let ends: Vec<f64> = lines
        .iter()
        .map(|l| l.iter().rev().find(|v| v.is_finite()).map_or(frame.bottom, |v| frame.y.clamped(*v)))
        .collect();
    for (i, y) in spread_labels(&ends, frame.top + 8.0, frame.bottom).into_iter().enumerate() {
        let class = if i == 0 { "name quiet" } else { "name" };
        svg.text(class, (frame.right + 7.0, y + 4.0), Anchor::Start, LABELS[i]);
    }
    svg.end();
    frame.draw_cursor(&mut svg);
    svg.finish()
}

fn spoken(name: &str, history: &[PassRecord], best: Option<usize>) -> String {
    let kept = best.and_then(|i| Some((i, history.get(i)?)));
    let kept = kept.map_or_else(String::new, |(i, pass)| {
        format!(" The weights of pass {} were kept, validation loss {}.", i + 1, format::fixed(pass.valid_loss, 4))
    });
    format!("Training and validation loss of {name} over {} passes.{kept}", history.len())
}
