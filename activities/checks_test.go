package activities

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

func (c *catalogue) checks() *Checks {
	return &Checks{Store: c.Store, Engine: &temporalFake{refuses: true}, Names: c.Requests.Names, HoldHours: 5, MessageTTL: time.Hour}
}

// checked runs a check's steps over what one place shows: twice, as each look does, and once more, as a step that was cut off. It answers what the
// check says of it.
func (c *catalogue) checked(t *testing.T, checks *Checks, mend bool, compare func(flow.CheckRef) error) []models.AttachmentDifference {
	t.Helper()
	ref := flow.CheckRef{Mend: mend}
	for look := 1; look <= 2; look++ {
		var err error
		ref.Look = look
		ref, err = checks.BeginCheck(ctx, ref)
		require.NoError(t, err)
		for range 2 {
			require.NoError(t, compare(ref))
		}
	}
	for range 2 {
		settled, err := checks.SettleDifferences(ctx, ref)
		require.NoError(t, err)
		require.False(t, settled.More)
	}
	require.NoError(t, checks.EndCheck(ctx, flow.EndCheckInput{CheckRef: ref, Places: flow.Places{Answered: 1}}))
	found, err := c.Store.Differences(ctx, models.DifferenceQuery{CheckID: ref.CheckID, Limit: 100})
	require.NoError(t, err)
	row, err := c.Store.GetCheck(ctx, ref.CheckID)
	require.NoError(t, err)
	require.EqualValues(t, len(found), row.Found)
	return found
}

// exported is what a backend's node shows.
func exported(checks *Checks, seen ...flow.ExportSeen) func(flow.CheckRef) error {
	return func(ref flow.CheckRef) error {
		return checks.CompareExports(ctx, flow.CompareInput{CheckRef: ref, Place: "n1@a", Exports: seen})
	}
}

func outcomes(found []models.AttachmentDifference) (all []string) {
	for _, d := range found {
		all = append(all, d.Kind+": "+d.Outcome)
	}
	slices.Sort(all)
	return all
}

func (c *catalogue) attachmentsOf(t *testing.T, v models.Volume) []models.Attachment {
	t.Helper()
	all, err := c.Store.ListAttachments(ctx, models.AttachmentQuery{Page: models.Page{Limit: -1}, Equal: map[string][]string{"volume_id": {v.ID}}})
	require.NoError(t, err)
	return all
}

// attached is an attachment of a volume by that connector.
func (c *catalogue) attached(t *testing.T, v models.Volume, connector json.RawMessage, way models.ConnectionInfo) models.Attachment {
	t.Helper()
	a := models.Attachment{ID: uuid.NewString(), VolumeID: v.ID, UserID: "u1", Connector: connector}
	f := models.Flow{ID: "attachment-create:" + a.ID + ":1", Operation: models.OpAttachmentCreate, ResourceID: a.ID, ResourceKind: "attachment", ProjectID: project}
	_, err := c.Store.CreateAttachmentEntry(ctx, project, a, f)
	require.NoError(t, err)
	_, err = c.Store.ReadyAttachment(ctx, a.ID, f.ID, way, nil)
	require.NoError(t, err)
	a, err = c.Store.CompleteAttachment(ctx, project, a.ID)
	require.NoError(t, err)
	return a
}

// What has no attachment gets one, which a flow that starts from its record takes away.
func TestStraysAreDetached(t *testing.T) {
	way := models.LocalConnection("v", "/dev/sdb")
	for _, kind := range []string{flow.StrayExport, flow.StrayHost} {
		t.Run(kind, func(t *testing.T) {
			c := newCatalogue(t)
			v := c.available(t, 10, pool)
			engine := &temporalFake{}
			checks := c.checks()
			checks.Engine = engine
			compare := exported(checks, flow.ExportSeen{VolumeID: v.ID, Initiators: []string{"iqn.x:h1"}})
			if kind == flow.StrayHost {
				taken := flow.TakenVolume{VolumeID: v.ID, AttachedHost: flow.AttachedHost{HostNode: flow.HostNode{Instance: "vm1"}, Connection: way}, Initiator: "iqn.x:h1", Unplugged: true}
				compare = func(ref flow.CheckRef) error {
					return checks.CompareHost(ctx, flow.CompareInput{CheckRef: ref, Place: "h1", Taken: []flow.TakenVolume{taken}})
				}
			}
			shown := c.checked(t, checks, false, compare)
			require.Equal(t, []string{kind + ": " + models.OutcomeMends}, outcomes(shown))
			require.Empty(t, c.attachmentsOf(t, v), "it was to be shown only")
			found := c.checked(t, checks, true, compare)
			require.Equal(t, []string{kind + ": " + models.OutcomeMended}, outcomes(found))
			all := c.attachmentsOf(t, v)
			require.Len(t, all, 1)
			require.Equal(t, models.AttachmentDetaching, all[0].Status)
			require.Equal(t, all[0].FlowID, found[0].FlowID)
			require.Equal(t, v.ID, found[0].VolumeID)
			v, err := c.Store.GetVolume(ctx, "", v.ID)
			require.NoError(t, err)
			require.Equal(t, models.VolumeDetaching, v.Status)
			require.Equal(t, []string{all[0].FlowID}, engine.restarted)
			f, err := c.Store.GetFlow(ctx, "", all[0].FlowID)
			require.NoError(t, err)
			require.Equal(t, models.FlowRunning, f.State)
			var in flow.DetachInput
			require.NoError(t, json.Unmarshal(f.Input, &in))
			require.Equal(t, []any{"iqn.x:h1", true, true, false, 5, v.Host}, []any{in.Connector.Initiator, in.Connected, in.Last, in.Force, in.HoldHours, in.Host})
			if kind == flow.StrayHost {
				require.Equal(t, flow.HostNode{Node: "h1", Instance: "vm1"}, in.Node)
				require.Equal(t, way.Data["device_path"], in.Connection.Data["device_path"])
				require.Equal(t, flow.HostDetachTasks(), in.Tasks)
			} else {
				require.Empty(t, in.Node)
				require.Equal(t, flow.DetachTasks(), in.Tasks)
			}
			require.NoError(t, c.Store.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: all[0].ID, State: models.FlowSuccess, Gone: true}))
			v, err = c.Store.GetVolume(ctx, "", v.ID)
			require.NoError(t, err)
			require.Equal(t, models.VolumeAvailable, v.Status)
		})
	}
}

// Where somebody is at work, where the host has come to have an attachment, and where there is no row, nothing is touched.
func TestStraysThatAreNone(t *testing.T) {
	c := newCatalogue(t)
	let := func(v models.Volume, sessions ...string) flow.ExportSeen {
		return flow.ExportSeen{VolumeID: v.ID, Initiators: []string{"iqn.x:h1"}, Sessions: sessions}
	}
	attached := c.available(t, 10, pool)
	a := c.attached(t, attached, json.RawMessage(`{"host":"h1","initiator":"iqn.x:H1"}`), models.ConnectionInfo{DriverVolumeType: "iscsi", Data: map[string]any{}})
	require.Empty(t, c.checked(t, c.checks(), true, exported(c.checks(), let(attached))))
	require.Equal(t, []models.Attachment{a}, c.attachmentsOf(t, attached))

	busy := c.available(t, 10, pool)
	in := flow.EntryExtendInput{Header: request(flow.VolumeExtend, busy.ID), Operation: flow.VolumeExtend, NewSizeGiB: 20}
	_, err := c.EntryExtend(ctx, in)
	require.NoError(t, err)
	free, stranger := c.available(t, 10, pool), models.Volume{ID: uuid.NewString()}
	found := c.checked(t, c.checks(), true, exported(c.checks(), let(attached), let(busy), let(stranger), let(free, "iqn.x:h1")))
	require.Equal(t, []string{flow.StrayExport + ": " + models.OutcomeTold, flow.UnknownExport + ": " + models.OutcomePerson}, outcomes(found))
	require.Empty(t, c.attachmentsOf(t, busy))
	require.Empty(t, c.attachmentsOf(t, free), "it is logged in")

	// Somebody came between the look and the mending.
	busyNow := false
	found = c.checked(t, c.checks(), true, func(ref flow.CheckRef) error {
		err := exported(c.checks(), let(attached), let(free))(ref)
		if ref.Look == 2 && !busyNow {
			busyNow = true
			_, beginErr := c.EntryExtend(ctx, flow.EntryExtendInput{Header: request(flow.VolumeExtend, free.ID), Operation: flow.VolumeExtend, NewSizeGiB: 20})
			require.NoError(t, beginErr)
		}
		return err
	})
	require.Equal(t, []string{flow.StrayExport + ": " + models.OutcomeAtWork}, outcomes(found))

	// More than some at once are no accident.
	c.clone(t, "volumes", flow.MendAtOnce+1, map[string]string{"id": ""})
	many := []flow.ExportSeen{let(attached)}
	for i := range flow.MendAtOnce + 1 {
		many = append(many, let(models.Volume{ID: fmt.Sprintf("%08d-0000-4000-8000-000000000000", i)}))
	}
	found = c.checked(t, c.checks(), true, exported(c.checks(), many...))
	require.Len(t, found, flow.MendAtOnce+1)
	for _, d := range found {
		require.Equal(t, models.OutcomeCrowd, d.Outcome)
	}
}

func TestDifferencesAreTold(t *testing.T) {
	c := newCatalogue(t)
	v := c.available(t, 10, pool)
	a := c.attached(t, v, json.RawMessage(`{"host":"h1","initiator":"iqn.x:h1"}`), models.ConnectionInfo{DriverVolumeType: "iscsi", Data: map[string]any{}})
	messages := func() []models.Message {
		told, err := c.Store.ListMessages(ctx, models.MessageQuery{Page: models.Page{Limit: -1}, ProjectID: project})
		require.NoError(t, err)
		return told
	}
	require.Equal(t, []string{flow.ShutOut + ": " + models.OutcomePerson}, outcomes(c.checked(t, c.checks(), false, exported(c.checks()))))
	require.Empty(t, messages(), "it was to be shown only")
	for range 2 {
		require.Equal(t, []string{flow.ShutOut + ": " + models.OutcomeTold}, outcomes(c.checked(t, c.checks(), true, exported(c.checks()))))
	}
	require.Len(t, messages(), 1, "each once")
	require.Contains(t, messages()[0].UserMessage, "attachment "+a.ID+": "+flow.ShutOut+" (n1@a)")

	// What one look sees only was on its way.
	require.Empty(t, c.checked(t, c.checks(), true, func(ref flow.CheckRef) error {
		if ref.Look == 1 {
			return exported(c.checks())(ref)
		}
		return exported(c.checks(), flow.ExportSeen{VolumeID: v.ID, Initiators: []string{"iqn.x:h1"}})(ref)
	}))
}

// What moves have left: an export of where the volume was, or of a copy that came to nothing, is taken away where it is; what is stored there is told.
func TestLeftByMoves(t *testing.T) {
	c := newCatalogue(t)
	engine := &temporalFake{}
	checks := c.checks()
	checks.Engine = engine
	v := c.available(t, 10, "n2@b#r")
	good := models.Flow{ID: "volume-migrate:" + v.ID + ":1", Operation: models.OpVolumeMigrate, ResourceID: v.ID, ResourceKind: "volume", ProjectID: project, State: models.FlowSuccess}
	cut := good
	cut.ID, cut.State = "volume-migrate:"+v.ID+":2", models.FlowFailure
	open := good
	open.ID, open.State = "volume-migrate:"+v.ID+":3", models.FlowRunning
	for _, f := range []models.Flow{good, cut, open} {
		require.NoError(t, c.Store.AbandonFlow(ctx, f))
		c.exec(t, "UPDATE flows SET state = ? WHERE id = ?", string(f.State), f.ID)
	}
	c.exec(t, "UPDATE volumes SET name_id = ? WHERE id = ?", copyID(good.ID), v.ID)
	copied, working, host := copyID(cut.ID), copyID(open.ID), []string{"iqn.x:mover"}
	found := c.checked(t, checks, true, exported(checks, flow.ExportSeen{VolumeID: copied, Initiators: host}, flow.ExportSeen{VolumeID: working, Initiators: host}))
	require.Equal(t, []string{flow.MovedExport + ": " + models.OutcomeMended}, outcomes(found))
	f, err := c.Store.GetFlow(ctx, "", found[0].FlowID)
	require.NoError(t, err)
	var in flow.DetachInput
	require.NoError(t, json.Unmarshal(f.Input, &in))
	require.Equal(t, []any{copied, "volume-" + copied, "n1@a", true, "iqn.x:mover"}, []any{in.Volume.ID, in.Volume.Name, in.Host, in.Last, in.Connector.Initiator})
	require.Equal(t, v.ID, in.VolumeID)
	require.Equal(t, "n1@a", f.Backend)
	require.NoError(t, c.Store.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: f.ResourceID, State: models.FlowSuccess, Gone: true}))

	found = c.checked(t, checks, true, exported(checks, flow.ExportSeen{VolumeID: v.ID, Initiators: host, Sessions: host}))
	require.Equal(t, []string{flow.MovedExport + ": " + models.OutcomeTold}, outcomes(found), "where it was before, and logged in")

	whom, err := checks.FindPlaces(ctx, flow.CheckRef{})
	require.NoError(t, err)
	require.Empty(t, whom.Left, "a move is under way")
	c.exec(t, "UPDATE flows SET state = ? WHERE id = ?", string(models.FlowReverted), open.ID)
	whom, err = checks.FindPlaces(ctx, flow.CheckRef{})
	require.NoError(t, err)
	want := []string{v.ID, copied, working, copyID(good.ID)}
	slices.Sort(want)
	require.Equal(t, want, whom.Left)
	found = c.checked(t, checks, true, func(ref flow.CheckRef) error {
		return checks.CompareLeft(ctx, flow.CompareInput{CheckRef: ref, Place: "n1@a", Left: whom.Left})
	})
	require.Len(t, found, 3, "the volume itself is where it belongs")
	for _, d := range found {
		require.Equal(t, []string{flow.LeftByMove, models.OutcomePerson, v.ID}, []string{d.Kind, d.Outcome, d.VolumeID})
		require.NotEqual(t, copyID(good.ID), d.StorageID)
	}
}

// Backends are those of the pools, hosts those that were ever asked to take a volume in.
func TestFindPlaces(t *testing.T) {
	c := newCatalogue(t)
	v := c.available(t, 10, pool)
	a := models.Attachment{ID: uuid.NewString(), VolumeID: v.ID, UserID: "u1", AttachedHost: "h1", Connector: json.RawMessage(`{"host":"h1"}`)}
	_, err := c.Store.CreateAttachmentEntry(ctx, project, a, models.Flow{ID: "attachment-attach:" + a.ID + ":1", Operation: models.OpAttachmentAttach, ResourceID: a.ID, ResourceKind: "attachment", ProjectID: project})
	require.NoError(t, err)
	whom, err := c.checks().FindPlaces(ctx, flow.CheckRef{})
	require.NoError(t, err)
	require.Equal(t, flow.FoundPlaces{Places: []flow.Place{{Kind: flow.AtBackend, Name: "n1@a"}, {Kind: flow.AtBackend, Name: "n2@b"}, {Kind: flow.AtHost, Name: "h1"}}}, whom)
}

// A client that has been away for long is told of, once its attachment is old and nobody is at work on it.
func TestCompareAges(t *testing.T) {
	c := newCatalogue(t)
	v := c.available(t, 10, pool)
	a, err := c.Store.ReserveAttachment(ctx, project, models.Attachment{ID: uuid.NewString(), VolumeID: v.ID, UserID: "u1"})
	require.NoError(t, err)
	ages := func(ref flow.CheckRef) error { return c.checks().CompareAges(ctx, ref) }
	require.Empty(t, c.checked(t, c.checks(), true, ages))
	c.exec(t, "UPDATE attachments SET updated_at = ? WHERE id = ?", time.Now().Add(-2*clientPatience).UnixMicro(), a.ID)
	require.Equal(t, []string{flow.Waiting + ": " + models.OutcomeTold}, outcomes(c.checked(t, c.checks(), true, ages)))
	row, err := c.Store.GetAttachment(ctx, "", a.ID)
	require.NoError(t, err)
	require.Equal(t, models.AttachmentReserved, row.Status)
}

// A list is gathered for its first page, and serves the others.
func TestPaged(t *testing.T) {
	var p paged[string]
	gathered := 0
	gather := func() (all []string, err error) {
		gathered++
		for i := range 2*listPage + 5 {
			all = append(all, fmt.Sprintf("v%04d", (i*7)%(2*listPage+5)))
		}
		return all, nil
	}
	key := func(s string) string { return s }
	for range 2 {
		var all []string
		for after, more := "", true; more; {
			var page []string
			var err error
			page, more, err = p.page(after, key, gather)
			require.NoError(t, err)
			require.LessOrEqual(t, len(page), listPage)
			all = append(all, page...)
			after = page[len(page)-1]
		}
		require.Len(t, all, 2*listPage+5)
		require.True(t, slices.IsSorted(all))
	}
	require.Equal(t, 2, gathered)
	p.at = time.Now().Add(-2 * listedFor)
	page, more, err := p.page("v0150x", key, gather)
	require.NoError(t, err)
	require.Equal(t, []any{3, "v0151", false}, []any{gathered, page[0], more})
}

// A host tells what it was asked to take, and not what others attached there.
func TestListTaken(t *testing.T) {
	c := newCompute(t)
	c.StateDir = t.TempDir()
	c.in.VolumeID = uuid.NewString()
	require.NoError(t, os.WriteFile(c.StateDir+"/strange.txt", nil, 0o600))
	list := func() flow.TakenPage {
		t.Helper()
		v, err := c.env.ExecuteActivity(c.ListTaken, flow.ListInput{})
		require.NoError(t, err)
		var page flow.TakenPage
		require.NoError(t, v.Get(&page))
		return page
	}
	require.Empty(t, list())
	require.NoError(t, c.do(t, c.ConnectVolume, &c.in.Device))
	c.guests.plugged = []string{c.in.VolumeID}
	page := list()
	require.Len(t, page.Volumes, 1)
	v := page.Volumes[0]
	require.Equal(t, []any{c.in.VolumeID, "vm1", "iqn.x:h1", "iscsi", false, false}, []any{v.VolumeID, v.Instance, v.Initiator, v.Connection.DriverVolumeType, v.Lost, v.Unplugged})
	text, err := os.ReadFile(c.StateDir + "/" + c.in.VolumeID + ".json")
	require.NoError(t, err)
	require.NotContains(t, string(text), "p4ss")

	c.guests.plugged, c.socket.connected = nil, false
	v = list().Volumes[0]
	require.True(t, v.Lost && v.Unplugged)
	require.NoError(t, c.do(t, c.DisconnectVolume, nil))
	require.Empty(t, list())
	c.in.VolumeID = "../x"
	err = c.do(t, c.ConnectVolume, nil)
	require.Equal(t, flow.ErrCertain, wire.Parse(err).Type)
	require.ErrorContains(t, err, drivers.ErrInvalid.Error())
}

// Attachments are compared now and then, not each round.
func TestAttachmentsAreChecked(t *testing.T) {
	engine := &temporalFake{}
	u := &Upkeep{Store: &openFlows{ends: map[string]models.FlowEnd{}}, Engine: engine}
	for range 3 {
		require.NoError(t, reconcile(t, u, flow.TaskReconcile))
	}
	require.Zero(t, engine.checks)
	u.checked = time.Now().Add(-checkEvery)
	for range 3 {
		require.NoError(t, reconcile(t, u, flow.TaskReconcile))
	}
	require.Equal(t, 1, engine.checks)
}

// countedStore counts what a check asks the catalogue; each of these is one query (models/store TestCheckQueries).
type countedStore struct {
	CheckStore
	reads, writes int
}

func (c *countedStore) AttachedIn(ctx context.Context, r models.AttachedRange) ([]models.AttachedRow, error) {
	c.reads++
	return c.CheckStore.AttachedIn(ctx, r)
}

func (c *countedStore) VolumesStored(ctx context.Context, ids []string) ([]models.Volume, error) {
	c.reads++
	return c.CheckStore.VolumesStored(ctx, ids)
}

func (c *countedStore) MoveFlows(ctx context.Context) ([]models.Flow, error) {
	c.reads++
	return c.CheckStore.MoveFlows(ctx)
}

func (c *countedStore) GetVolume(ctx context.Context, projectID, id string) (models.Volume, error) {
	c.reads++
	return c.CheckStore.GetVolume(ctx, projectID, id)
}

func (c *countedStore) SaveDifferences(ctx context.Context, look int, found []models.AttachmentDifference) error {
	if len(found) > 0 {
		c.writes++
	}
	return c.CheckStore.SaveDifferences(ctx, look, found)
}

// Ten thousand attachments take a few hundred queries to compare, whoever is asked and whatever differs: one for each page of a node's list, one for
// each page of records that it passes over, and none for a volume.
func TestChecksAtScale(t *testing.T) {
	const n = 10_000
	c := newCatalogue(t)
	v := c.available(t, 10, pool)
	ours, err := flow.NoteNode(models.Connector{Host: "h1", Initiator: "iqn.x:h1"}, flow.HostNode{Node: "h1"})
	require.NoError(t, err)
	a := c.attached(t, v, ours, models.ConnectionInfo{DriverVolumeType: "iscsi", Data: map[string]any{}})
	c.exec(t, "UPDATE attachments SET attached_host = 'h1'")
	c.clone(t, "volumes", n-1, map[string]string{"id": ""})
	c.clone(t, "attachments", n-1, map[string]string{"id": "a", "volume_id": ""})
	ids := []string{v.ID}
	for i := range n - 1 {
		ids = append(ids, fmt.Sprintf("%08d-0000-4000-8000-000000000000", i))
	}
	slices.Sort(ids)

	for name, s := range map[string]struct {
		initiator string // that is let in at every tenth; "" exports nothing
		reads     int
		found     int
	}{
		"alike":            {"iqn.x:h1", n / listPage, 0},
		"nothing is left":  {"", n/recordPage + 1, n},
		"some are strange": {"iqn.x:h2", 2 * n / listPage, 2 * n / 10},
	} {
		t.Run(name, func(t *testing.T) {
			store := &countedStore{CheckStore: c.Store}
			checks := c.checks()
			checks.Store = store
			ref, err := checks.BeginCheck(ctx, flow.CheckRef{Look: 1})
			require.NoError(t, err)
			for at := 0; at < n; at += listPage {
				in := flow.CompareInput{CheckRef: ref, Place: "n1@a"}
				if at > 0 {
					in.After = ids[at-1]
				}
				if s.initiator != "" {
					for i, id := range ids[at : at+listPage] {
						e := flow.ExportSeen{VolumeID: id, Initiators: []string{"iqn.x:h1"}}
						if i%10 == 0 {
							e.Initiators[0] = s.initiator
						}
						in.Exports = append(in.Exports, e)
					}
					if at+listPage < n {
						in.UpTo = ids[at+listPage-1]
					}
				}
				require.NoError(t, checks.CompareExports(ctx, in))
				if in.UpTo == "" {
					break
				}
			}
			require.Equal(t, s.reads, store.reads)
			require.LessOrEqual(t, store.writes, n/listPage)
			c.differences(t, ref, s.found)

			// A host answers in pages as well.
			store.reads, store.writes = 0, 0
			if ref, err = checks.BeginCheck(ctx, flow.CheckRef{Look: 1}); s.initiator == "iqn.x:h1" {
				require.NoError(t, err)
				for at := 0; at < n; at += listPage {
					in := flow.CompareInput{CheckRef: ref, Place: "h1"}
					for _, id := range ids[at : at+listPage] {
						in.Taken = append(in.Taken, flow.TakenVolume{VolumeID: id})
					}
					if at > 0 {
						in.After = ids[at-1]
					}
					if at+listPage < n {
						in.UpTo = ids[at+listPage-1]
					}
					require.NoError(t, checks.CompareHost(ctx, in))
				}
				require.Equal(t, n/listPage, store.reads)
				require.Zero(t, store.writes)
			}
		})
	}
	require.NotEmpty(t, a.ID)
}

// clone copies the one row of a table so often, with other ids: a number behind the given word.
func (c *catalogue) clone(t *testing.T, table string, n int, ids map[string]string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+c.file)
	require.NoError(t, err)
	defer db.Close()
	rows, err := db.QueryContext(ctx, "SELECT name FROM pragma_table_info('"+table+"')")
	require.NoError(t, err)
	defer rows.Close()
	var names, values []string
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		value := name
		if word, ok := ids[name]; ok {
			value = "'" + word + "' || printf('%08d-0000-4000-8000-000000000000', i)"
		}
		names, values = append(names, name), append(values, value)
	}
	require.NoError(t, rows.Err())
	c.exec(t, fmt.Sprintf("WITH RECURSIVE seq(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM seq WHERE i < %d) INSERT INTO %s (%s) SELECT %s FROM (SELECT * FROM %s LIMIT 1), seq",
		n-1, table, strings.Join(names, ", "), strings.Join(values, ", "), table))
}

// differences counts what a first look has seen.
func (c *catalogue) differences(t *testing.T, ref flow.CheckRef, want int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+c.file)
	require.NoError(t, err)
	defer db.Close()
	var n int
	require.NoError(t, db.QueryRowContext(ctx, "SELECT COUNT(*) FROM attachment_differences WHERE check_id = ?", ref.CheckID).Scan(&n))
	require.Equal(t, want, n)
}
