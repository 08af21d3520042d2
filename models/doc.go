// Package models holds the plain values that every part of Clinker shares: the rows of the catalogue
// (Volume, VolumeType, Flow ...), the neutral values that drivers work with (StorageVolume, PoolStats ...)
// and the table of legal status transitions. It imports nothing of ours, no gorm, no gin and no Temporal;
// the struct tags are plain strings that models/store reads.
package models
