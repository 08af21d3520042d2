package cli

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
)

// MaxMicroversion is the newest Block Storage API that this client knows.
const MaxMicroversion = "3.71"

// Versions is what the service says of itself at its root.
type Versions struct {
	Max, Min string
}

func refusedVersion(err error) bool {
	var answer gophercloud.ErrUnexpectedResponseCode
	return errors.As(err, &answer) && answer.Actual == http.StatusNotAcceptable
}

// negotiate lowers the microversion to the service's newest. It is asked only after a 406, so that a service
// as new as the client costs no request more.
func (c *Client) negotiate(ctx context.Context) error {
	v, err := c.Versions(ctx)
	if err != nil {
		return err
	}
	if !older(v.Max, c.api.Microversion) {
		return Errorf(Failure, "the service offers API versions %s to %s, but refuses %s", v.Min, v.Max, c.api.Microversion)
	}
	c.api.Microversion = v.Max
	return nil
}

// needs refuses what a service that speaks no version so new would not understand, or would leave out in silence.
func (c *Client) needs(ctx context.Context, version, what string) error {
	v, err := c.Versions(ctx)
	if err == nil && older(v.Max, version) {
		return Errorf(Usage, "%s need API %s; this service speaks %s", what, version, v.Max)
	}
	return err
}

// Versions asks the service which microversions it speaks; no authentication is needed.
func (c *Client) Versions(ctx context.Context) (Versions, error) {
	var answer struct {
		Versions []struct {
			ID, Version string
			Min         string `json:"min_version"`
		}
	}
	opts := &gophercloud.RequestOpts{
		JSONResponse: &answer,
		OkCodes:      []int{http.StatusOK, http.StatusMultipleChoices}, // Cinder answers 300
	}
	_, err := c.api.ProviderClient.Request(ctx, http.MethodGet, c.root+"/", opts) //nolint:bodyclose // gophercloud reads and closes it
	if err != nil {
		return Versions{}, explain(err, c.root)
	}
	for _, v := range answer.Versions {
		if strings.HasPrefix(v.ID, "v3") && v.Version != "" {
			return Versions{Max: v.Version, Min: v.Min}, nil
		}
	}
	return Versions{}, Errorf(Failure, "%s does not speak version 3 of the Block Storage API", c.root)
}

// older compares versions "3.9" < "3.10".
func older(a, b string) bool {
	am, an := number(a)
	bm, bn := number(b)
	return am < bm || am == bm && an < bn
}

func number(v string) (major, minor int) {
	m, n, _ := strings.Cut(v, ".")
	major, _ = strconv.Atoi(m)
	minor, _ = strconv.Atoi(n)
	return major, minor
}
