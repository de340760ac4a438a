//! Numbers of the FIF format that reader and writer know, from its dictionary ("FIFF constants", Neuromag/MEGIN and
//! MNE).

/// Tags.
pub(super) mod tag {
    pub(in super::super) const FILE_ID: i32 = 100;
    pub(in super::super) const DIR_POINTER: i32 = 101;
    pub(in super::super) const DIR: i32 = 102;
    pub(in super::super) const BLOCK_ID: i32 = 103;
    pub(in super::super) const BLOCK_START: i32 = 104;
    pub(in super::super) const BLOCK_END: i32 = 105;
    pub(in super::super) const FREE_LIST: i32 = 106;
    pub(in super::super) const NOP: i32 = 108;
    pub(in super::super) const PARENT_BLOCK_ID: i32 = 110;
    pub(in super::super) const REF_ROLE: i32 = 115;
    pub(in super::super) const REF_FILE_NUM: i32 = 117;
    pub(in super::super) const REF_FILE_NAME: i32 = 118;
    pub(in super::super) const NCHAN: i32 = 200;
    pub(in super::super) const SFREQ: i32 = 201;
    pub(in super::super) const DATA_PACK: i32 = 202;
    pub(in super::super) const CH_INFO: i32 = 203;
    pub(in super::super) const MEAS_DATE: i32 = 204;
    /// Also called description.
    pub(in super::super) const COMMENT: i32 = 206;
    pub(in super::super) const FIRST_SAMPLE: i32 = 208;
    pub(in super::super) const DIG_POINT: i32 = 213;
    pub(in super::super) const LOWPASS: i32 = 219;
    pub(in super::super) const COORD_TRANS: i32 = 222;
    pub(in super::super) const HIGHPASS: i32 = 223;
    pub(in super::super) const NAME: i32 = 233;
    pub(in super::super) const DIG_STRING: i32 = 234;
    pub(in super::super) const CH_SCAN_NO: i32 = 250;
    pub(in super::super) const CH_LOGICAL_NO: i32 = 251;
    pub(in super::super) const CH_KIND: i32 = 252;
    pub(in super::super) const CH_RANGE: i32 = 253;
    pub(in super::super) const CH_CAL: i32 = 254;
    pub(in super::super) const CH_LOC: i32 = 255;
    pub(in super::super) const CH_UNIT: i32 = 256;
    pub(in super::super) const CH_UNIT_MUL: i32 = 257;
    pub(in super::super) const CH_DACQ_NAME: i32 = 258;
    pub(in super::super) const CH_COIL_TYPE: i32 = 350;
    pub(in super::super) const CH_COORD_FRAME: i32 = 351;
    pub(in super::super) const DATA_BUFFER: i32 = 300;
    pub(in super::super) const DATA_SKIP: i32 = 301;
    pub(in super::super) const PROJ_ITEM_KIND: i32 = 3411;
    pub(in super::super) const PROJ_ITEM_TIME: i32 = 3412;
    pub(in super::super) const PROJ_ITEM_NVEC: i32 = 3414;
    pub(in super::super) const PROJ_ITEM_VECTORS: i32 = 3415;
    pub(in super::super) const PROJ_ITEM_CH_NAME_LIST: i32 = 3417;
    pub(in super::super) const MNE_ROW_NAMES: i32 = 3502;
    pub(in super::super) const MNE_COL_NAMES: i32 = 3503;
    pub(in super::super) const MNE_NROW: i32 = 3504;
    pub(in super::super) const MNE_NCOL: i32 = 3505;
    pub(in super::super) const MNE_COORD_FRAME: i32 = 3506;
    pub(in super::super) const MNE_CH_NAME_LIST: i32 = 3507;
    pub(in super::super) const MNE_PROJ_ITEM_ACTIVE: i32 = 3560;
    /// Onsets of annotations.
    pub(in super::super) const MNE_BASELINE_MIN: i32 = 3568;
    /// Ends of annotations.
    pub(in super::super) const MNE_BASELINE_MAX: i32 = 3569;
    pub(in super::super) const MNE_CTF_COMP_KIND: i32 = 3580;
    pub(in super::super) const MNE_CTF_COMP_DATA: i32 = 3581;
    pub(in super::super) const MNE_CTF_COMP_CALIBRATED: i32 = 3582;
    pub(in super::super) const MNE_EXPLAINED_VAR: i32 = 3605;
}

/// Blocks.
pub(super) mod block {
    pub(in super::super) const MEAS: i32 = 100;
    pub(in super::super) const MEAS_INFO: i32 = 101;
    pub(in super::super) const RAW_DATA: i32 = 102;
    pub(in super::super) const ISOTRAK: i32 = 107;
    pub(in super::super) const HPI_RESULT: i32 = 109;
    pub(in super::super) const CONTINUOUS_DATA: i32 = 112;
    pub(in super::super) const CH_INFO: i32 = 113;
    pub(in super::super) const REF: i32 = 118;
    pub(in super::super) const IAS_RAW_DATA: i32 = 119;
    pub(in super::super) const PROJ: i32 = 313;
    pub(in super::super) const PROJ_ITEM: i32 = 314;
    pub(in super::super) const MNE_NAMED_MATRIX: i32 = 357;
    pub(in super::super) const MNE_BAD_CHANNELS: i32 = 359;
    pub(in super::super) const MNE_CTF_COMP: i32 = 370;
    pub(in super::super) const MNE_CTF_COMP_DATA: i32 = 371;
    pub(in super::super) const MNE_ANNOTATIONS: i32 = 3810;
}

/// Types of a tag's data.
pub(super) mod data_type {
    pub(in super::super) const VOID: u32 = 0;
    pub(in super::super) const SHORT: u32 = 2;
    pub(in super::super) const INT: u32 = 3;
    pub(in super::super) const FLOAT: u32 = 4;
    pub(in super::super) const DOUBLE: u32 = 5;
    pub(in super::super) const USHORT: u32 = 7;
    pub(in super::super) const UINT: u32 = 8;
    pub(in super::super) const STRING: u32 = 10;
    pub(in super::super) const DAU_PACK16: u32 = 16;
    pub(in super::super) const CH_INFO_STRUCT: u32 = 30;
    pub(in super::super) const ID_STRUCT: u32 = 31;
    pub(in super::super) const DIR_ENTRY_STRUCT: u32 = 32;
    pub(in super::super) const DIG_POINT_STRUCT: u32 = 33;
    pub(in super::super) const COORD_TRANS_STRUCT: u32 = 35;
    /// Added to the type of a dense matrix's elements.
    pub(in super::super) const MATRIX: u32 = 0x4000_0000;
}

/// Coordinate frames.
pub(super) mod frame {
    pub(in super::super) const UNKNOWN: i32 = 0;
    pub(in super::super) const DEVICE: i32 = 1;
    pub(in super::super) const HEAD: i32 = 4;
}

/// Units.
pub(super) mod unit {
    pub(in super::super) const NONE: i32 = -1;
    pub(in super::super) const VOLT: i32 = 107;
    pub(in super::super) const TESLA: i32 = 112;
    pub(in super::super) const TESLA_PER_METRE: i32 = 201;
}

/// Version 1.4, as a file's identity has it.
pub(super) const VERSION: i32 = 1 << 16 | 4;
/// Stands for "no date" in an identity: 0 s, this many µs.
pub(super) const NO_DATE: (i64, i64) = (0, 2_147_483_647);
/// Role of the reference to the file that continues this one.
pub(super) const ROLE_NEXT_FILE: i64 = 2;
/// Role of the reference to the file that this one continues.
pub(super) const ROLE_PREV_FILE: i32 = 1;
/// Kind of a projector that takes out measured fields.
pub(super) const PROJ_FIELD: i32 = 1;
/// Kind of a projector that takes out the average over electrodes.
pub(super) const PROJ_EEG_AVREF: i32 = 10;
