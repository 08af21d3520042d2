package load

import (
	"sync"
	"sync/atomic"
)

// Parallel calls f(0) to f(n-1) from c goroutines, each number once, in order of their beginning.
func Parallel(n, c int, f func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(c, n) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				f(i)
			}
		})
	}
	wg.Wait()
}
