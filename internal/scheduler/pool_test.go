package scheduler

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPoolIn(t *testing.T) {
	p := Pool{Name: "node1@lvm#fast"}
	for place, want := range map[string]bool{
		"node1@lvm#fast": true, "node1@lvm": true, "node1": true,
		"": false, "node": false, "node1@lv": false, "node1@lvm#fas": false, "node1@lvm#fast2": false,
		"node2@lvm#fast": false, "node1@": false, "node1@lvm#": false,
	} {
		require.Equal(t, want, p.In(place), place)
	}
	require.Equal(t, "node1", p.host())
}

func TestConsume(t *testing.T) {
	p := thick("a@b#c")
	p.Consume(Request{SizeGiB: 10})
	require.Equal(t, GiB(40), p.Free)
	require.Equal(t, [3]float64{10, 10, 1}, [3]float64{p.Provisioned, p.Allocated, float64(p.Volumes)})

	p.Consume(Request{SizeGiB: 15, OldSizeGiB: 10})
	require.Equal(t, GiB(35), p.Free)
	require.Equal(t, [3]float64{15, 15, 1}, [3]float64{p.Provisioned, p.Allocated, float64(p.Volumes)}, "an extend is no new volume")

	p.Thin = true
	p.Consume(Request{SizeGiB: 10})
	require.Equal(t, GiB(35), p.Free, "thin takes nothing yet")
	p.Consume(Request{SizeGiB: 5, ExtraSpecs: map[string]string{"provisioning:type": "thick"}})
	require.Equal(t, GiB(30), p.Free)

	p.Free = Infinite
	p.Consume(Request{SizeGiB: 5})
	require.Equal(t, Infinite, p.Free)
}

// Complaint 15 of Cinder's operators: a burst must not put more into a pool than its rule allows.
func TestBurstDoesNotOverfill(t *testing.T) {
	for name, pool := range map[string]Pool{
		"thick": with(thick("n@b#p"), func(p *Pool) { p.Free = GiB(100); p.ReservedPercentage = 5 }),
		"thin": with(thick("n@b#p"), func(p *Pool) {
			p.Thin, p.MaxOverSubscriptionRatio, p.ReservedPercentage = true, 2.5, 5
		}),
	} {
		t.Run(name, func(t *testing.T) {
			s, placed := scheduler(t, Options{}), 0.0
			for range 100 {
				req := Request{SizeGiB: 7}
				d, err := s.Place(req, []Pool{pool})
				require.NoError(t, err)
				if len(d.Candidates) == 0 {
					break
				}
				pool.Consume(req)
				placed += 7
			}
			limit := 95 * pool.MaxOverSubscriptionRatio
			require.LessOrEqual(t, placed, limit)
			require.Greater(t, placed+7, limit, "room for one more was left")
		})
	}
}

func TestAttribute(t *testing.T) {
	p := thick("n@b#fast")
	p.Volumes, p.Provisioned, p.Free = 4, 12, Infinite
	p.Capabilities = map[string]any{
		"free_capacity_gb": 99.0, "vendor": "x", "empty": nil,
		"qos": map[string]any{"tiers": map[string]string{"gold": "yes"}},
	}
	for path, want := range map[string]any{
		"host": "n@b#fast", "backend_id": "n@b#fast", "availability_zone": "nova", "pool_name": "fast",
		"total_capacity_gb": 100.0, "free_capacity_gb": "infinite", "allocated_capacity_gb": 0.0,
		"provisioned_capacity_gb": 12.0, "reserved_percentage": 0, "max_over_subscription_ratio": 1.0,
		"thin_provisioning_support": false, "thick_provisioning_support": true, "total_volumes": 4, "vendor": "x",
	} {
		got, ok := p.lookup([]string{path})
		require.True(t, ok, path)
		require.Equal(t, want, got, path)
	}
	got, ok := p.lookup([]string{"qos", "tiers", "gold"})
	require.True(t, ok)
	require.Equal(t, "yes", got)
	for _, path := range [][]string{nil, {"empty"}, {"none"}, {"vendor", "x"}, {"qos", "none", "gold"}, {"qos", "tiers", "tin"}} {
		_, ok := p.lookup(path)
		require.False(t, ok, path)
	}
	p.Capabilities["total_volumes"], p.Capabilities["pool_name"] = 9, "reported"
	got, _ = p.attribute("total_volumes")
	require.Equal(t, 9, got, "the driver knows better")
	got, _ = p.attribute("pool_name")
	require.Equal(t, "reported", got)
}
