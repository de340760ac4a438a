//! Which set each epoch belongs to, and which epochs are dropped between the sets.

mod assign;
mod border;
mod spec;
mod stimulus;

pub(super) use assign::{Place, assign, held_out, in_order};
pub(super) use border::{Kept, clear_borders, n_sharing};
pub(super) use spec::one_or_many;
pub use spec::{Fold, REACH_SHARE, SplitMethod, SplitSpec, reach_of};
use stimulus::group_keys;
