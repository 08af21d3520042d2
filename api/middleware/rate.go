package middleware

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/time/rate"

	"github.com/clinker-storage/clinker/api/fault"
)

// maxLimited bounds how many projects or addresses are remembered. When it is reached, those that have all their requests again are forgotten, which
// changes nothing for them; if none has, all are.
const maxLimited = 10_000

// limiter counts the requests of each of many.
type limiter struct {
	perSecond int
	now       func() time.Time

	mu  sync.Mutex
	all map[string]*rate.Limiter
}

func newLimiter(perSecond int, now func() time.Time) *limiter {
	if now == nil {
		now = time.Now
	}
	return &limiter{perSecond: perSecond, now: now, all: map[string]*rate.Limiter{}}
}

// wait is 0 for a request that may go on, else how long until one may.
func (l *limiter) wait(of string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	one := l.all[of]
	if one == nil {
		if len(l.all) >= maxLimited {
			l.forget(now)
		}
		one = rate.NewLimiter(rate.Limit(l.perSecond), l.perSecond)
		l.all[of] = one
	}
	if one.AllowN(now, 1) {
		return 0
	}
	return time.Duration((1 - one.TokensAt(now)) / float64(l.perSecond) * float64(time.Second))
}

func (l *limiter) forget(now time.Time) {
	for of, one := range l.all {
		if one.TokensAt(now) >= float64(l.perSecond) {
			delete(l.all, of)
		}
	}
	if len(l.all) >= maxLimited {
		clear(l.all)
	}
}

// AddressRate refuses requests of an address that sends more than so many a second (429), before anything is looked up for them. 0 is no limit. Whoever
// asks whether the API is well is always answered.
func AddressRate(perSecond int, now func() time.Time) gin.HandlerFunc {
	return limited(perSecond, now, "address", func(c *gin.Context, s *Scope) string {
		if c.Request.URL.Path == "/healthcheck" {
			return ""
		}
		return s.Address
	})
}

// ProjectRate refuses requests of a project that sends more than so many a second (429), whoever of it sends them. 0 is no limit.
func ProjectRate(perSecond int, now func() time.Time) gin.HandlerFunc {
	return limited(perSecond, now, "project", func(_ *gin.Context, s *Scope) string { return s.Identity.ProjectID })
}

// limited counts by what key returns; "" is not counted.
func limited(perSecond int, now func() time.Time, what string, key func(*gin.Context, *Scope) string) gin.HandlerFunc {
	if perSecond == 0 {
		return func(*gin.Context) {}
	}
	l := newLimiter(perSecond, now)
	return func(c *gin.Context) {
		of := key(c, From(c.Request.Context()))
		if of == "" {
			return
		}
		if d := l.wait(of); d > 0 {
			f := fault.New(http.StatusTooManyRequests, "this %s sends more than %d requests a second", what, perSecond)
			f.RetryAfter = strconv.Itoa(int(math.Ceil(d.Seconds())))
			Refuse(c, f)
		}
	}
}
