//! Prepared data: a cohort of continuous recordings, and the data set of epochs that is cut from it; or arrays of epochs.

mod arrays;
mod audit;
mod batch;
mod channel;
mod choice;
mod cohort;
mod dataset;
mod epoch;
mod event;
mod gaps;
mod leakage;
mod loader;
mod part;
mod prepare;
mod products;
mod scaler;
mod signals;
mod source;
mod spec;
mod split;
mod view;

pub use arrays::{ArrayScaling, EpochArrays, EpochBlock, EpochLabels, split_in_time};
pub use audit::{
    Audit, AuditSpec, Duplicates, FeatureScalerAudit, NearDuplicate, ReachAudit, ScalerAudit, SplitAudit, StimuliAudit,
    SubjectStimuli,
};
pub use batch::Batch;
pub use channel::{Channel, ChannelType};
pub use cohort::{Cohort, CohortRecording};
pub use dataset::{ArraysInfo, Dataset};
pub(crate) use epoch::samples_of;
pub use epoch::{Epoch, EpochWindow, FEW_EPOCHS, LEAST_EPOCHS, Set, check_baseline, samples_within};
pub use event::EventTable;
pub use gaps::{BadSegments, Gaps, Lack};
pub use leakage::LeakageAudit;
pub use loader::for_each_batch;
pub use part::Part;
pub(crate) use products::ProductSums;
pub use scaler::{FeatureScaler, RobustScaler};
pub use signals::{Block, HalfSamples, HalfScale, Samples, Signals};
pub use source::EpochSource;
pub use spec::{BaselineSpec, CleaningSpec, EpochSpec};
pub use split::{Fold, REACH_SHARE, SplitMethod, SplitSpec, reach_of};
pub use view::{ALL_SUBJECTS, Pooled, Selected, feature_rows};
