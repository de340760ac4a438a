//! A head below the sensors: where its sources are and what each sensor sees of them.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::brain::Dipole;
use super::field::{coil_flux, free_field, sphere_field};
use super::potential::Shells;
use super::stream::{Part, Streams, bounded_normal, direction};
use super::vector::{add, cross, distance, dot, norm, scale, sub, unit};
use super::{SimulatedChannel, SimulationConfig};
use crate::Result;
use crate::data::ChannelType;
use crate::sensors::{HEAD_CENTRE, HEAD_RADIUS, Sensor, SensorArray, Transform};

/// Standard deviations between subjects and between sessions of one: angles (rad), shift (m). A head rests in the helmet
/// within about a centimetre; a cap sits within a few millimetres.
const MEG_PLACE: [(f64, f64); 2] = [(0.05, 4e-3), (0.015, 1.5e-3)];
const CAP_PLACE: [(f64, f64); 2] = [(0.03, 0.0), (0.01, 0.0)];
/// The largest shift and angle, in standard deviations: no head touches the helmet.
const LIMIT: f64 = 2.0;
/// Standard deviation between subjects of where a source is (m), and which way it points (rad).
const ANATOMY: (f64, f64) = (4e-3, 0.15);

/// The sensors around one head.
#[derive(Clone, Debug)]
pub(super) struct Head {
    sensors: Vec<Sensor>,
    is_meg: bool,
    /// Takes device to head coordinates; EEG: the identity.
    pub(super) placement: Transform,
    shells: Shells,
}

impl Head {
    pub(super) fn new(array: SensorArray, config: &SimulationConfig, subject: Streams, session: Streams) -> Self {
        let mut sensors = array.sensors();
        let is_meg = array.is_meg();
        let mut moved = Transform::identity();
        if config.effects.head_position {
            let places = if is_meg { MEG_PLACE } else { CAP_PLACE };
            for (streams, (angle, shift)) in [subject, session].into_iter().zip(places) {
                let mut rng = streams.rng(Part::Head, 0);
                let mut three = |std: f64| [0, 1, 2].map(|_| std * bounded_normal(&mut rng, LIMIT));
                let (angles, mut by) = (three(angle), three(shift));
                // The head touches the helmet's top already: it can only be lower.
                by[2] = by[2].abs();
                moved = Transform::new(angles, by).after(&moved);
            }
        }
        // Turned about the head's centre.
        let about =
            Transform::translation(HEAD_CENTRE).after(&moved).after(&Transform::translation(scale(HEAD_CENTRE, -1.0)));
        let device_to_head = if is_meg {
            about.after(&array.device_to_head())
        } else {
            sensors.iter_mut().for_each(|sensor| sensor.position = about.point(sensor.position));
            Transform::identity()
        };
        Self { sensors, is_meg, placement: device_to_head, shells: Shells::head(HEAD_CENTRE, HEAD_RADIUS) }
    }

    /// The sensors as channels.
    pub(super) fn channels(&self) -> Vec<SimulatedChannel> {
        self.sensors.iter().map(sensor_channel).collect()
    }

    /// What the sensors see of some dipoles together (T, T/m or V). EEG is referenced to the mean of the electrodes.
    pub(super) fn topography(&self, dipoles: &[Dipole]) -> Result<Vec<f64>> {
        let mut sum = vec![0.0; self.sensors.len()];
        for dipole in dipoles {
            let place = add(HEAD_CENTRE, scale(unit(dipole.direction), dipole.depth * HEAD_RADIUS));
            for (sum, sensor) in sum.iter_mut().zip(&self.sensors) {
                *sum += if self.is_meg {
                    coil_flux(sensor, &self.placement, |p| sphere_field(HEAD_CENTRE, place, dipole.moment, p))
                } else {
                    self.shells.potential(place, dipole.moment, sensor.position)?
                };
            }
        }
        self.reference(&mut sum);
        Ok(sum)
    }

    /// EEG: minus the mean over the electrodes.
    fn reference(&self, values: &mut [f64]) {
        if !self.is_meg {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            values.iter_mut().for_each(|v| *v -= mean);
        }
    }

    /// The heart, at the peak of the R wave. MEG: a dipole in the chest, of a size that gives magnetometers at the side of the neck
    /// about 1 pT (Jousmäki and Hari 1996, "Cardiac artifacts in magnetoencephalogram", Journal of Clinical
    /// Neurophysiology 13:172–176). EEG: a nearly uniform field of the same direction, 2 µV across the head.
    pub(super) fn heart(&self) -> Vec<f64> {
        const CHEST: [f64; 3] = [-0.05, 0.03, -0.42];
        const MOMENT: [f64; 3] = [-8e-7, 4e-7, -1.2e-6];
        let mut values: Vec<f64> = self
            .sensors
            .iter()
            .map(|sensor| {
                if self.is_meg {
                    coil_flux(sensor, &self.placement, |p| free_field(CHEST, MOMENT, p))
                } else {
                    let along = unit(MOMENT);
                    1e-6 * dot(sensor.position, along) / HEAD_RADIUS
                }
            })
            .collect();
        self.reference(&mut values);
        values
    }

    /// A blink at its peak: two dipoles at the eyes. EEG: falling off from the eyes, 150 µV at Fp1 and Fp2.
    pub(super) fn blink(&self) -> Result<Vec<f64>> {
        /// How fast the potential falls off from the eyes (m).
        const FALL: f64 = 0.03;
        const EYES: [[f64; 3]; 2] = [[-0.032, 0.068, 0.008], [0.032, 0.068, 0.008]];
        if self.is_meg {
            // Up and to the front, where the lid slides over the cornea.
            let dipoles = EYES.map(|eye| {
                let r = sub(eye, HEAD_CENTRE);
                Dipole { direction: r, depth: norm(r) / HEAD_RADIUS, moment: [0.0, 4e-8, 1.2e-7] }
            });
            return self.topography(&dipoles);
        }
        let near = |p: [f64; 3]| EYES.iter().map(|eye| (-distance(p, *eye) / FALL).exp()).sum::<f64>();
        let front = crate::sensors::position_by_name("Fp1").map_or(1.0, near);
        let mut values: Vec<f64> = self.sensors.iter().map(|sensor| 1.5e-4 * near(sensor.position) / front).collect();
        self.reference(&mut values);
        Ok(values)
    }

    /// Slow fields of the surroundings: of something 4 m away, in three directions, 1 T at the head.
    pub(super) fn surroundings(&self) -> [Vec<f64>; 3] {
        let sources = [
            ([4.0, 0.0, 0.5], [0.0, 0.0, 1.0]),
            ([0.0, 4.0, -0.5], [1.0, 0.0, 0.0]),
            ([2.0, 1.0, 3.0], [0.0, 1.0, 0.0]),
        ];
        sources.map(|(place, moment)| {
            let size = norm(free_field(place, moment, HEAD_CENTRE));
            self.sensors
                .iter()
                .map(|sensor| coil_flux(sensor, &self.placement, |p| free_field(place, moment, p)) / size)
                .collect()
        })
    }

    pub(super) fn kinds(&self) -> impl Iterator<Item = ChannelType> + '_ {
        self.sensors.iter().map(|sensor| sensor.kind)
    }
}

fn sensor_channel(sensor: &Sensor) -> SimulatedChannel {
    let Sensor { name, kind, position, coil } = sensor.clone();
    SimulatedChannel { name, kind, position: Some(position), coil }
}

/// Where a subject's own sources are: those of the atlas, moved a little.
pub(super) fn individual(dipole: &Dipole, config: &SimulationConfig, rng: &mut ChaCha8Rng) -> Dipole {
    // Drawn in any case, so that the switch changes nothing else.
    let shift = scale(direction(rng), ANATOMY.0 * bounded_normal(rng, LIMIT) / HEAD_RADIUS);
    let axis = direction(rng);
    let angle = ANATOMY.1 * bounded_normal(rng, LIMIT);
    if !config.effects.head_position {
        return *dipole;
    }
    let place = add(scale(unit(dipole.direction), dipole.depth), shift);
    // For small angles a turn is this.
    let turned = add(dipole.moment, scale(cross(axis, dipole.moment), angle));
    let moment = scale(turned, norm(dipole.moment) / norm(turned));
    Dipole { direction: place, depth: norm(place).min(0.8), moment }
}

/// A dipole anywhere in the upper part of the brain, pointing anywhere.
pub(super) fn anywhere(moment: f64, rng: &mut ChaCha8Rng) -> Dipole {
    loop {
        let place = direction(rng);
        let depth = rng.random_range(0.35..0.74);
        let moment = scale(direction(rng), moment);
        if place[2] > -0.35 {
            return Dipole { direction: place, depth, moment };
        }
    }
}
