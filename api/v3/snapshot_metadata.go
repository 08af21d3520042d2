package v3

import "context"

func (a *API) snapshotMetadataRoutes() []Route {
	m := &metadataOf{
		what: "snapshot", path: "/snapshots/:snapshot_id", param: "snapshot_id",
		get: func(ctx context.Context, projectID, id string) (map[string]string, error) {
			s, err := a.Store.GetSnapshot(ctx, projectID, id)
			return s.Metadata, err
		},
		edit: func(ctx context.Context, projectID, id string, change metadataChange) (map[string]string, error) {
			return a.Store.EditSnapshotMetadata(ctx, projectID, id, change)
		},
	}
	m.of, m.rules.show, m.rules.add = a.ofSnapshot, "volume:get_snapshot_metadata", "volume:update_snapshot_metadata"
	m.rules.replace, m.rules.remove = "volume:update_snapshot_metadata", "volume:delete_snapshot_metadata"
	return m.routes()
}
