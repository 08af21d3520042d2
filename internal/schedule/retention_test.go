package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

const mine = "nightly"

// made writes backups as "name@time", "name<parent@time", and behind it !status; names in capitals are of somebody else.
func made(t *testing.T, texts ...string) []models.Backup {
	t.Helper()
	var all []models.Backup
	for _, text := range texts {
		b := models.Backup{Status: models.BackupAvailable, ScheduleID: mine}
		text, status, other := strings.Cut(text, "!")
		switch {
		case status == "damaged":
			b.VerifyError = "a block is damaged"
		case other:
			b.Status = models.BackupStatus(status)
		}
		name, when, _ := strings.Cut(text, "@")
		b.ID, b.ParentID, _ = strings.Cut(name, "<")
		if b.ID == strings.ToUpper(b.ID) {
			b.ScheduleID = ""
		}
		b.DataTimestamp = at(t, when+"T02:00:00Z")
		all = append(all, b)
	}
	return all
}

func TestExpired(t *testing.T) {
	for name, c := range map[string]struct {
		keep models.Keep
		have []string
		want []string
	}{
		"everything is kept where nothing is said": {models.Keep{}, []string{"a@2026-01-01", "b@2026-01-02"}, nil},
		"nothing is there":                         {models.Keep{Last: 1}, nil, nil},
		"the last two":                             {models.Keep{Last: 2}, []string{"a@2026-01-01", "c@2026-01-03", "b@2026-01-02", "d@2026-01-04"}, []string{"b", "a"}},
		"others' are none of ours":                 {models.Keep{Last: 1}, []string{"A@2026-01-01", "b@2026-01-02", "c@2026-01-03"}, []string{"b"}},
		"what is kept stands on others": {
			models.Keep{Last: 1}, []string{"a@2026-01-01", "b<a@2026-01-02", "c<b@2026-01-03", "d@2026-01-04", "e<d@2026-01-05"}, []string{"c", "b", "a"},
		},
		"the chain that is added to stays whole": {
			models.Keep{Last: 1}, []string{"a@2026-01-01", "b<a@2026-01-02", "c<b@2026-01-03"}, nil,
		},
		"somebody else's stands on ours": {
			models.Keep{Last: 1}, []string{"a@2026-01-01", "b<a@2026-01-02", "X<b@2026-01-03", "c<b@2026-01-04", "d@2026-01-05"}, []string{"c"},
		},
		"one that is being restored stays, and what it stands on": {
			models.Keep{Last: 1}, []string{"a@2026-01-01", "b<a@2026-01-02!restoring", "c<b@2026-01-03", "d@2026-01-04"}, []string{"c"},
		},
		"one that is being deleted keeps what it stands on": {
			models.Keep{Last: 1}, []string{"a@2026-01-01", "b<a@2026-01-02!error_deleting", "d@2026-01-04"}, nil,
		},
		"one that failed goes once a later one is whole": {
			models.Keep{Last: 5}, []string{"a@2026-01-01", "b@2026-01-02!error", "c@2026-01-03", "d@2026-01-04!error"}, []string{"b"},
		},
		"failures and damage don't count": {
			models.Keep{Last: 2}, []string{"a@2026-01-01", "b@2026-01-02", "c@2026-01-03!error", "d@2026-01-04!damaged"}, nil,
		},
		"none is whole": {models.Keep{Last: 1}, []string{"a@2026-01-01!error", "b@2026-01-02!damaged"}, nil},
		"days": {
			models.Keep{Daily: 2}, []string{"a@2026-01-01", "b@2026-01-05", "c@2026-01-09"}, []string{"a"},
		},
		"weeks over the turn of the year": { // 29 December to 4 January is one week
			models.Keep{Weekly: 2}, []string{"a@2025-12-22", "b@2025-12-29", "c@2026-01-04", "d@2026-01-05"}, []string{"b", "a"},
		},
		"months": {
			models.Keep{Monthly: 2}, []string{"a@2025-11-30", "b@2025-12-01", "c@2025-12-31", "d@2026-01-01", "e@2026-01-30"}, []string{"d", "b", "a"},
		},
		"rules add up": {
			models.Keep{Last: 1, Monthly: 3}, []string{"a@2025-11-30", "b@2025-12-31", "c@2026-01-29", "d@2026-01-30"}, []string{"c"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, Expired(mine, c.keep, time.UTC, made(t, c.have...)))
		})
	}
}

// A day is one of the schedule's time zone.
func TestDaysAreOfTheZone(t *testing.T) {
	all := made(t, "a@2026-01-01", "b@2026-01-02")
	all[0].DataTimestamp, all[1].DataTimestamp = at(t, "2026-01-01T22:30:00Z"), at(t, "2026-01-01T23:30:00Z")
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, Expired(mine, models.Keep{Daily: 5}, time.UTC, all))
	require.Empty(t, Expired(mine, models.Keep{Daily: 5}, berlin, all))
}

// Whatever there is and whatever is kept: what stays never stands on what goes, the rules' own stay, and deletes can be done in their order.
func TestNothingStandsOnWhatGoes(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var all []models.Backup
		for i := range rnd.IntN(40) {
			b := models.Backup{
				ID: fmt.Sprint(i), ScheduleID: mine, Status: models.BackupAvailable,
				DataTimestamp: time.Date(2026, 1, 1, 6*i, 0, 0, 0, time.UTC).Add(time.Duration(rnd.IntN(60)) * time.Minute),
			}
			if rnd.IntN(4) == 0 {
				b.ScheduleID = ""
			}
			if rnd.IntN(6) == 0 {
				b.Status = models.BackupStatuses()[rnd.IntN(len(models.BackupStatuses()))]
			}
			if i > 0 && rnd.IntN(3) > 0 {
				b.ParentID = fmt.Sprint(rnd.IntN(i))
			}
			all = append(all, b)
		}
		rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		keep := models.Keep{Last: int64(rnd.IntN(4)), Daily: int64(rnd.IntN(4)), Weekly: int64(rnd.IntN(3)), Monthly: int64(rnd.IntN(3))}
		gone := Expired(mine, keep, time.UTC, all)
		for i, id := range gone {
			for _, b := range all {
				require.False(t, b.ParentID == id && !slices.Contains(gone[:i], b.ID), "seed %d: %s goes before %s, which adds to it", seed, id, b.ID)
				require.False(t, b.ID == id && b.ScheduleID != mine, "seed %d: %s is somebody else's", seed, id)
			}
		}
		whole := slices.DeleteFunc(slices.Clone(all), func(b models.Backup) bool { return b.ScheduleID != mine || b.Status != models.BackupAvailable })
		if len(whole) > 0 {
			latest := slices.MinFunc(whole, newest)
			require.NotContains(t, gone, latest.ID, "seed %d: the latest stays", seed)
		}
	}
}

func TestFull(t *testing.T) {
	for name, c := range map[string]struct {
		every int64
		have  []string
		want  bool
	}{
		"the first":                     {7, nil, true},
		"others' full one is none":      {7, []string{"A@2026-01-01"}, true},
		"the second":                    {3, []string{"a@2026-01-01"}, false},
		"the third":                     {3, []string{"a@2026-01-01", "b<a@2026-01-02"}, false},
		"the fourth":                    {3, []string{"a@2026-01-01", "b<a@2026-01-02", "c<b@2026-01-03"}, true},
		"all are":                       {1, []string{"a@2026-01-01"}, true},
		"after a failure":               {3, []string{"a@2026-01-01", "b<a@2026-01-02!error"}, false},
		"after a damage":                {3, []string{"a@2026-01-01", "b<a@2026-01-02!damaged"}, true},
		"its chain begins with others'": {2, []string{"A@2026-01-01", "b<A@2026-01-02"}, true},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, Full(mine, c.every, made(t, c.have...))) })
	}
}
