//! What kinds of features there are: their keys, units and definitions, for people and for error messages.

/// One kind of feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindInfo {
    /// `kind` in a study file.
    pub name: &'static str,
    /// Unit of its values.
    pub unit: &'static str,
    /// What its value is.
    pub definition: &'static str,
    /// Keys that only some kinds have: name, whether it must be there, meaning.
    pub keys: &'static [(&'static str, bool, &'static str)],
    /// One feature of this kind as a study file has it.
    pub example: &'static str,
}

impl KindInfo {
    /// Whether its signal is laid out by events, so that [`EVENT_KEYS`] apply.
    pub fn has_events(&self) -> bool {
        !matches!(self.name, "stim" | "npy" | "wav")
    }
}

/// Keys of every kind.
pub const COMMON_KEYS: [(&str, &str); 5] = [
    ("name", "what the feature is called; each has a name of its own"),
    ("kind", "one of those below"),
    (
        "events",
        "only events whose columns hold one of these texts: { trial_type = [\"word\"] }; all events where absent",
    ),
    (
        "transform",
        "what is done to the values, in this order: \"log\" (natural), \"log10\", \"log1p\" (natural, of 1 + value), \
         \"difference\" (to the event before; 0 for the first), \"zscore\" (last: centred on the mean of the samples of \
         training epochs at which an event holds a value, 0 between the events)",
    ),
    (
        "missing",
        "what becomes of n/a: \"error\" (default), \"skip\" (the event is as if not there), \"zero\", \"mean\" (0 after \
         standardisation, which is the mean over training epochs)",
    ),
];

/// Keys of the kinds that are laid out by events.
pub const EVENT_KEYS: [(&str, &str); 2] = [
    (
        "layout",
        "\"hold\" (default: from the sample nearest to the onset, for `duration`; where two events overlap, the later one \
         wins), \"onset\" (that one sample), \"interpolate\" (linearly from event to event; no value, which is the mean, \
         before the first and after the last)",
    ),
    ("duration", "how long an event holds its value (s); the event's own duration where absent, at least one sample"),
];

const COLUMN_OF_WORDS: (&str, bool, &str) =
    ("column", false, "column of the events that holds the word; `word` by default");
const COLUMN_OF_SENTENCES: (&str, bool, &str) =
    ("column", false, "column of the events that says which sentence a word is in; `sentence` by default");

/// All kinds.
pub const KINDS: [KindInfo; 13] = [
    KindInfo {
        name: "presence",
        unit: "none",
        definition: "1 for every event.",
        keys: &[],
        example: "{ name = \"onset\", kind = \"presence\", duration = 0.1 }",
    },
    KindInfo {
        name: "column",
        unit: "that of the column",
        definition: "The number in a column of events.tsv; `onset` and `duration` (s) are columns, too.",
        keys: &[("column", true, "the column")],
        example: "{ name = \"surprisal\", kind = \"column\", column = \"surprisal\", missing = \"skip\" }",
    },
    KindInfo {
        name: "map",
        unit: "that of the numbers given",
        definition: "A number for each of some texts in a column; an event with another text is as if not there.",
        keys: &[("values", true, "number by text"), ("column", false, "column of the events; `trial_type` by default")],
        example: "{ name = \"target\", kind = \"map\", values = { target = 1.0, nontarget = -1.0 } }",
    },
    KindInfo {
        name: "category",
        unit: "0 or 1",
        definition: "An indicator for each level of a column, called NAME[LEVEL]: 1 for an event of that level, 0 for one of \
                     another. With a reference level there is no indicator for it, so that the others say how they differ \
                     from it.",
        keys: &[
            ("column", false, "column of the events; `trial_type` by default"),
            ("levels", false, "the levels; every text in the column, over all recordings, where absent"),
            ("reference", false, "the level without an indicator"),
        ],
        example: "{ name = \"pos\", kind = \"category\", column = \"part_of_speech\", reference = \"NOUN\" }",
    },
    KindInfo {
        name: "word_length",
        unit: "letters",
        definition: "Number of letters and digits of a word after Unicode normalisation (NFC): `don't` has 4, `well-known` 9.",
        keys: &[COLUMN_OF_WORDS],
        example: "{ name = \"length\", kind = \"word_length\", column = \"word\" }",
    },
    KindInfo {
        name: "zipf",
        unit: "log10 of occurrences in 10^9 words",
        definition: "Zipf frequency of a word. From a list of wordfreq (.msgpack.gz) exactly what its zipf_frequency gives: \
                     its tokeniser, digits counted by pattern, several tokens combined by the reciprocal of the sum of \
                     reciprocals, rounded to 0.01; `minimum` for unknown words. From a table (word<TAB>value) the value \
                     itself; unknown words are missing.",
        keys: &[
            ("lexicon", true, "the file, relative to the study file"),
            ("language", false, "ISO code; by default what the name of wordfreq's file ends in (small_en: en)"),
            ("minimum", false, "least value, and that of unknown words in wordfreq's list; 0 by default"),
            COLUMN_OF_WORDS,
        ],
        example: "{ name = \"frequency\", kind = \"zipf\", lexicon = \"small_en.msgpack.gz\" }",
    },
    KindInfo {
        name: "first_word",
        unit: "0 or 1",
        definition: "1 for the first event of each sentence (the text in the column differs from that of the event before), \
                     else 0.",
        keys: &[COLUMN_OF_SENTENCES],
        example: "{ name = \"first\", kind = \"first_word\", column = \"sentence\" }",
    },
    KindInfo {
        name: "last_word",
        unit: "0 or 1",
        definition: "1 for the last event of each sentence, else 0.",
        keys: &[COLUMN_OF_SENTENCES],
        example: "{ name = \"last\", kind = \"last_word\", column = \"sentence\" }",
    },
    KindInfo {
        name: "position",
        unit: "words",
        definition: "Position of the event in its sentence, from 1.",
        keys: &[COLUMN_OF_SENTENCES],
        example: "{ name = \"position\", kind = \"position\", column = \"sentence\" }",
    },
    KindInfo {
        name: "product",
        unit: "product of the factors' units",
        definition: "Interaction: the product of other features' values at the same event, after their transforms other than \
                     zscore; missing where one of them is.",
        keys: &[("of", true, "names of two or more features that are laid out by events and are no products")],
        example: "{ name = \"length_x_frequency\", kind = \"product\", of = [\"length\", \"frequency\"] }",
    },
    KindInfo {
        name: "stim",
        unit: "that of the column",
        definition: "A column of the *_stim.tsv.gz that applies to the recording (BIDS), resampled: low-passed at 0.4 times \
                     the prepared sampling frequency where it was sampled faster, then interpolated linearly; 0 outside.",
        keys: &[("column", true, "one of `Columns` in the file's JSON")],
        example: "{ name = \"envelope\", kind = \"stim\", column = \"audio_envelope\" }",
    },
    KindInfo {
        name: "npy",
        unit: "that of the file",
        definition: "Numbers of a .npy file, resampled as `stim`; 0 outside. In the file's name, {id}, {subject}, {session}, \
                     {task} and {run} stand for the recording's, any other {column} for the text in a column of the events: \
                     then each event starts the file that it names.",
        keys: &[
            ("file", true, "the file, relative to the data set"),
            ("sfreq", true, "its sampling frequency (Hz)"),
            (
                "start",
                false,
                "time of its first sample (s) from the recording's first or the event's onset; 0 by default",
            ),
            ("row", false, "which row of a file of (n_rows, n_times), from 0; 0 by default"),
        ],
        example: "{ name = \"pitch\", kind = \"npy\", file = \"stimuli/{stim_id}_pitch.npy\", sfreq = 100.0 }",
    },
    KindInfo {
        name: "wav",
        unit: "full scale = 1",
        definition: "Broadband amplitude envelope of a sound: channels averaged, rectified, averaged in bins of 1 ms (of a \
                     whole number of samples), low-passed (zero phase) at h_freq, not below 0; resampled as `stim`; 0 \
                     outside. Names of files as for `npy`.",
        keys: &[
            ("file", true, "the file, relative to the data set"),
            ("h_freq", false, "upper edge of what passes (Hz); 10 by default"),
            (
                "start",
                false,
                "time of its first sample (s) from the recording's first or the event's onset; 0 by default",
            ),
        ],
        example: "{ name = \"envelope\", kind = \"wav\", file = \"stimuli/{stim_file}\", transform = [\"log1p\"] }",
    },
];

/// The kind of this name.
pub fn kind_info(name: &str) -> Option<&'static KindInfo> {
    KINDS.iter().find(|info| info.name == name)
}
