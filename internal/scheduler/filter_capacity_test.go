package scheduler

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCapacityFilter(t *testing.T) {
	thickType := map[string]string{"provisioning:type": "thick"}
	thin := func(p *Pool) { p.Thin, p.MaxOverSubscriptionRatio = true, 2 }
	both := func(a, b func(*Pool)) func(*Pool) { return func(p *Pool) { a(p); b(p) } }
	for name, tc := range map[string]struct {
		req  Request
		pool func(*Pool)
		want string
	}{
		"fits exactly": {Request{SizeGiB: 50}, func(*Pool) {}, ""},
		"one too many": {
			Request{SizeGiB: 51},
			func(*Pool) {},
			"not enough free space for 51 GiB (50 GiB left: free 50 GiB, total 100 GiB - reserved 0 GiB - provisioned 0 GiB)",
		},
		"manage needs none":       {Request{}, func(p *Pool) { p.Free = GiB(0) }, ""},
		"retype in place":         {Request{SizeGiB: 80, ExistsOn: "n@b#p"}, func(*Pool) {}, ""},
		"retype from elsewhere":   {Request{SizeGiB: 80, ExistsOn: "m@b#p"}, func(*Pool) {}, "not enough free space"},
		"extend by 50":            {Request{SizeGiB: 150, OldSizeGiB: 100}, func(*Pool) {}, ""},
		"extend by 51":            {Request{SizeGiB: 151, OldSizeGiB: 100}, func(*Pool) {}, "not enough free space for 51 GiB"},
		"free missing":            {Request{SizeGiB: 1}, func(p *Pool) { p.Free = Missing }, "free capacity is not reported"},
		"free infinite":           {Request{SizeGiB: 1e6}, func(p *Pool) { p.Free, p.Total = Infinite, GiB(0) }, ""},
		"free unknown":            {Request{SizeGiB: 1e6}, func(p *Pool) { p.Free = Unknown }, ""},
		"total infinite":          {Request{SizeGiB: 1e6}, func(p *Pool) { p.Total = Infinite }, ""},
		"total unknown":           {Request{SizeGiB: 1e6}, func(p *Pool) { p.Total = Unknown }, ""},
		"total unknown, reserved": {Request{SizeGiB: 1}, func(p *Pool) { p.Total, p.ReservedPercentage = Unknown, 1 }, "a reserve of a total that is no number"},
		"total missing":           {Request{SizeGiB: 1}, func(p *Pool) { p.Total = Missing }, "total capacity is not reported"},
		"total zero":              {Request{SizeGiB: 1}, func(p *Pool) { p.Total = GiB(0) }, "total capacity is zero"},
		"total negative":          {Request{SizeGiB: 1}, func(p *Pool) { p.Total = GiB(-1) }, "total capacity is zero"},

		"reserve is floored":     {Request{SizeGiB: 50}, func(p *Pool) { p.Total, p.ReservedPercentage, p.Provisioned = GiB(59), 10, 4 }, ""},
		"reserve is kept":        {Request{SizeGiB: 51}, func(p *Pool) { p.Free, p.ReservedPercentage = GiB(100), 50 }, "50 GiB left"},
		"thick counts promises":  {Request{SizeGiB: 11}, func(p *Pool) { p.Provisioned = 90 }, "10 GiB left"},
		"thick ignores ratio":    {Request{SizeGiB: 51}, func(p *Pool) { p.MaxOverSubscriptionRatio = 20 }, "not enough free space"},
		"thin type on thick":     {Request{SizeGiB: 51, ExtraSpecs: map[string]string{"provisioning:type": "thin"}}, func(*Pool) {}, "not enough free space"},
		"thin beyond free":       {Request{SizeGiB: 200}, thin, ""},
		"thin one too many":      {Request{SizeGiB: 201}, thin, "not enough thin capacity for 201 GiB (200 GiB left: (total 100 GiB - reserved 0 GiB) x 2 - provisioned 0 GiB)"},
		"thin, provisioned":      {Request{SizeGiB: 51}, both(thin, func(p *Pool) { p.Provisioned = 150 }), "50 GiB left"},
		"thin, reserve counts":   {Request{SizeGiB: 181}, both(thin, func(p *Pool) { p.ReservedPercentage = 10 }), "180 GiB left"},
		"thin, all reserved":     {Request{SizeGiB: 1}, both(thin, func(p *Pool) { p.ReservedPercentage = 100 }), "not enough thin capacity"},
		"thin, ratio below 1":    {Request{SizeGiB: 1}, both(thin, func(p *Pool) { p.MaxOverSubscriptionRatio = 0.9 }), "must be 1 or more (0.9)"},
		"thin, ratio NaN":        {Request{SizeGiB: 1}, both(thin, func(p *Pool) { p.MaxOverSubscriptionRatio = math.NaN() }), "must be 1 or more"},
		"thin, provisioned NaN":  {Request{SizeGiB: 1}, both(thin, func(p *Pool) { p.Provisioned = math.NaN() }), "not enough thin capacity"},
		"thin pool, thick type":  {Request{SizeGiB: 51, ExtraSpecs: thickType}, thin, "not enough free space"},
		"thick type, low ratio":  {Request{SizeGiB: 50, ExtraSpecs: thickType}, both(thin, func(p *Pool) { p.MaxOverSubscriptionRatio = 0 }), ""},
		"thick type, any case":   {Request{SizeGiB: 51, ExtraSpecs: map[string]string{"provisioning:type": " Thick"}}, thin, "not enough free space"},
		"odd provisioning value": {Request{SizeGiB: 200, ExtraSpecs: map[string]string{"provisioning:type": "fat"}}, thin, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := placeOne(t, "CapacityFilter", tc.req, with(thick("n@b#p"), tc.pool))
			if tc.want == "" {
				require.Empty(t, got)
			} else {
				require.Contains(t, got, tc.want)
			}
		})
	}
}

// Cinder passes this: (150+100)/((100-0)*2) = 1.25 is below the ratio, only its second test speaks.
func TestThinRatioIsOverRealCapacity(t *testing.T) {
	p := with(thick("n@b#p"), func(p *Pool) { p.Thin, p.MaxOverSubscriptionRatio, p.Provisioned = true, 2, 150 })
	require.Contains(t, placeOne(t, "CapacityFilter", Request{SizeGiB: 100}, p), "not enough thin capacity")
	require.Empty(t, placeOne(t, "CapacityFilter", Request{SizeGiB: 50}, p), "(150+50)/100 is the ratio, not above it")
}
