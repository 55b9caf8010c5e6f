//! Requests become transactions, transactions change trees.
