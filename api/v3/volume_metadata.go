package v3

import "context"

func (a *API) volumeMetadataRoutes() []Route {
	m := &metadataOf{
		what: "volume", path: "/volumes/:volume_id", param: "volume_id", etags: true,
		get: func(ctx context.Context, projectID, id string) (map[string]string, error) {
			v, err := a.Store.GetVolume(ctx, projectID, id)
			return v.Metadata, err
		},
		edit: func(ctx context.Context, projectID, id string, change metadataChange) (map[string]string, error) {
			return a.Store.EditVolumeMetadata(ctx, projectID, id, change)
		},
	}
	m.of, m.rules.show, m.rules.add = a.ofVolume, ruleVolumeMetadata, "volume:create_volume_metadata"
	m.rules.replace, m.rules.remove = "volume:update_volume_metadata", "volume:delete_volume_metadata"
	return m.routes()
}
