package middleware

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/api/microversion"
)

// Negotiate reads the microversion a client asks for: 400 if it is malformed, 406 if it is not spoken.
func Negotiate(c *gin.Context) {
	c.Header("Vary", microversion.Header)
	v, err := microversion.Parse(c.GetHeader(microversion.Header))
	if err != nil {
		c.Header(microversion.Header, "volume "+microversion.Max.String())
		code := http.StatusBadRequest
		if out := new(microversion.RangeError); errors.As(err, &out) {
			code = http.StatusNotAcceptable
		}
		Refuse(c, fault.New(code, "%s", err.Error()))
		return
	}
	From(c.Request.Context()).Version = v
	c.Header(microversion.Header, "volume "+v.String())
}
