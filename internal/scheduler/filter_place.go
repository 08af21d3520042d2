package scheduler

import "slices"

// differentBackendFilter keeps away from the pools of the volumes named in the hint. Volumes that do
// not exist keep nothing away.
func differentBackendFilter(req *Request) (check, error) {
	hint := req.Hints.DifferentHost
	if len(hint.Volumes) == 0 {
		return nil, nil
	}
	return func(p *Pool) reason {
		if inAny(p, hint.Places) {
			return reason{text: "holds a volume named in hint different_host"}
		}
		return pass
	}, nil
}

// sameBackendFilter wants a pool that holds one of the volumes named in the hint.
func sameBackendFilter(req *Request) (check, error) {
	hint := req.Hints.SameHost
	if len(hint.Volumes) == 0 {
		return nil, nil
	}
	return func(p *Pool) reason {
		switch {
		case len(hint.Places) == 0:
			return reason{text: "no volume named in hint same_host exists"}
		case !inAny(p, hint.Places):
			return reason{text: "holds no volume named in hint same_host"}
		}
		return pass
	}, nil
}

// attemptedFilter leaves out where the request failed already.
func attemptedFilter(req *Request) (check, error) {
	if len(req.Attempted) == 0 {
		return nil, nil
	}
	return func(p *Pool) reason {
		if inAny(p, req.Attempted) {
			return reason{text: "was tried already and failed"}
		}
		return pass
	}, nil
}

// localityFilter wants the pool on the host that the server of the hint runs on. When that host is
// not known every pool is refused: a volume that is not local is not what was asked for.
func localityFilter(req *Request) (check, error) {
	server, host := req.Hints.LocalToInstance, req.Hints.InstanceHost
	if server == "" {
		return nil, nil
	}
	return func(p *Pool) reason {
		switch {
		case host == "":
			return reason{text: "hint local_to_instance cannot be followed: the host of server " + server + " is not known"}
		case p.host() != host:
			return reason{"not on the host of server " + server, "which is " + host}
		}
		return pass
	}, nil
}

func inAny(p *Pool, places []string) bool { return slices.ContainsFunc(places, p.In) }
