package execx

// head keeps the first bytes that are written to it, and says whether there were more.
type head struct {
	limit int
	kept  []byte
	over  bool
}

func (h *head) Write(p []byte) (int, error) {
	room := h.limit - len(h.kept)
	if len(p) > room {
		h.over = true
	}
	h.kept = append(h.kept, p[:min(room, len(p))]...)
	return len(p), nil
}

// rear keeps the last bytes that are written to it.
type rear struct {
	limit int
	kept  []byte
}

func (r *rear) Write(p []byte) (int, error) {
	r.kept = append(r.kept, p...)
	if len(r.kept) > 2*r.limit { // not on every write: what is kept moves each time
		r.kept = append(r.kept[:0], r.last()...)
	}
	return len(p), nil
}

func (r *rear) last() []byte { return r.kept[max(0, len(r.kept)-r.limit):] }
