// Package data carries the city inside the binary: its divisions, agencies, halls, lines of
// business, items and working calendar, as the CSV files an importer reads. README.md describes
// every column and where it comes from.
package data

import "embed"

// Files holds the CSV files of this folder under their plain names.
//
//go:embed *.csv
var Files embed.FS
