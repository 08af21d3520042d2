package schedule

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/models"
)

// Expired names the backups of a schedule that its retention does not keep, those first that nothing adds to. all are the backups of the
// volume, whoever made them: what any of them that stays stands on stays too. Days, weeks (ISO 8601) and months are those of zone.
//
// Only backups that are whole count. One that failed goes once a later one is whole; one that something is being done with stays.
func Expired(id string, keep models.Keep, zone *time.Location, all []models.Backup) []string {
	if keep.Everything() {
		return nil
	}
	own := slices.DeleteFunc(slices.Clone(all), func(b models.Backup) bool { return b.ScheduleID != id })
	slices.SortFunc(own, newest)
	whole := slices.DeleteFunc(slices.Clone(own), func(b models.Backup) bool { return b.Status != models.BackupAvailable || b.VerifyError != "" })
	stays := wanted(keep, zone, whole)
	if len(whole) == 0 {
		return nil
	}
	goes := map[string]bool{}
	for _, b := range own {
		switch {
		case stays[b.ID]:
		case b.Status == models.BackupAvailable && b.VerifyError == "":
			goes[b.ID] = true
		case b.Status == models.BackupAvailable || b.Status == models.BackupError:
			goes[b.ID] = b.DataTimestamp.Before(whole[0].DataTimestamp)
		}
	}
	byID := map[string]models.Backup{}
	for _, b := range all {
		byID[b.ID] = b
	}
	for _, b := range all {
		if goes[b.ID] {
			continue
		}
		for parent := b.ParentID; parent != ""; parent = byID[parent].ParentID {
			delete(goes, parent)
		}
	}
	var expired []string
	for _, b := range own { // the newest first: what adds to a backup is newer than it
		if goes[b.ID] {
			expired = append(expired, b.ID)
		}
	}
	return expired
}

// wanted are those that the rules name, of backups that are whole, the newest first.
func wanted(keep models.Keep, zone *time.Location, whole []models.Backup) map[string]bool {
	stays := map[string]bool{}
	for _, rule := range []struct {
		most int64
		slot func(id string, at time.Time) string
	}{
		{keep.Last, func(id string, _ time.Time) string { return id }},
		{keep.Daily, func(_ string, at time.Time) string { return at.Format(time.DateOnly) }},
		{keep.Weekly, func(_ string, at time.Time) string {
			year, week := at.ISOWeek()
			return fmt.Sprint(year, "-", week)
		}},
		{keep.Monthly, func(_ string, at time.Time) string { return at.Format("2006-01") }},
	} {
		seen := map[string]bool{}
		for _, b := range whole {
			slot := rule.slot(b.ID, b.DataTimestamp.In(zone))
			if seen[slot] || int64(len(seen)) == rule.most {
				continue
			}
			seen[slot], stays[b.ID] = true, true
		}
	}
	return stays
}

// Full tells whether the next backup of a schedule is a full one: none is whole yet, the last one is damaged, or it is its turn. all are
// the backups of the volume.
func Full(id string, every int64, all []models.Backup) bool {
	own := slices.DeleteFunc(slices.Clone(all), func(b models.Backup) bool { return b.ScheduleID != id || b.Status != models.BackupAvailable })
	slices.SortFunc(own, newest)
	for i, b := range own {
		switch {
		case b.VerifyError != "":
			return true
		case b.ParentID == "":
			return int64(i)+1 >= every
		}
	}
	return true
}

func newest(a, b models.Backup) int {
	if c := b.DataTimestamp.Compare(a.DataTimestamp); c != 0 {
		return c
	}
	return strings.Compare(b.ID, a.ID)
}
