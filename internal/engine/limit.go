package engine

import (
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
)

// MaxPayload is the largest input, result or update that may enter a history, in bytes. What is larger belongs into
// the catalogue or stays on its node.
const MaxPayload = 64 << 10

// limit is a codec that changes nothing and refuses payloads over MaxPayload.
type limit struct{}

func (limit) Encode(ps []*commonpb.Payload) ([]*commonpb.Payload, error) {
	for _, p := range ps {
		if len(p.GetData()) > MaxPayload {
			return nil, fmt.Errorf("a payload of %d bytes is over the limit of %d", len(p.GetData()), MaxPayload)
		}
	}
	return ps, nil
}

func (limit) Decode(ps []*commonpb.Payload) ([]*commonpb.Payload, error) { return ps, nil }
