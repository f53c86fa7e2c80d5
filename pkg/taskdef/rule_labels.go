package taskdef

// labels warns of a release or a suite that the hooks would not see.
func labels(c *checker) {
	reached := Reached(c.containers, c.target, nil)
	help := "the hooks read the labels of the container behind the load balancer only, which is " + name(reached) + ": "
	for _, key := range []string{ReleaseLabel, SuiteLabel} {
		read := reached.Get("dockerLabels").Get(key)
		for _, container := range c.containers {
			unread := container.Get("dockerLabels").Get(key)
			switch {
			case unread == nil || read.Unknown():
			case read == nil:
				c.warn(unread, "container "+name(container)+" has the label "+key+", and "+name(reached)+" has not",
					help+"move it there")
			case read.Text != unread.Text:
				c.warn(unread, "container "+name(container)+" has another "+key+" than "+name(reached), help+"remove this one")
			}
		}
	}
}
