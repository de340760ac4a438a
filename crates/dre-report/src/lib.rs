//! Results as one offline HTML page.
