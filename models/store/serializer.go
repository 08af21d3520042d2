package store

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"gorm.io/gorm/schema"
)

// cut drops what a row can't keep: parts of a microsecond, the zone and the monotonic clock.
func cut(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

func toMicros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

// micros stores a time.Time as microseconds since 1970 UTC: one column type, one order and one precision on every
// engine. The zero time is 0.
type micros struct{}

func init() { schema.RegisterSerializer("micros", micros{}) }

// Scan reads the column.
func (micros) Scan(ctx context.Context, field *schema.Field, dst reflect.Value, value any) error {
	n, ok := value.(int64)
	if !ok && value != nil {
		return fmt.Errorf("column %s holds %T, not microseconds", field.DBName, value)
	}
	*field.ReflectValueOf(ctx, dst).Addr().Interface().(*time.Time) = fromMicros(n)
	return nil
}

// Value writes the column.
func (micros) Value(_ context.Context, field *schema.Field, _ reflect.Value, value any) (any, error) {
	t, ok := value.(time.Time)
	if !ok {
		return nil, fmt.Errorf("field %s is %T, not a time", field.Name, value)
	}
	return toMicros(t), nil
}
