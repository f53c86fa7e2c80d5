package renderer

// stackRoom is what a render needs of the stack, less what is there from the beginning.
const stackRoom = 14 << 10

// OnOneStack runs f on a stack that has grown once. It begins with 2 KiB, and would be copied to one of twice the
// size three times on the way to what a render needs, which takes a twenty-fifth of the time of a small one.
func OnOneStack(f func() int) int { return grown(f, false) }

// grown has a frame as large as its array, which is the only way to ask for a stack of a size. The array itself is
// not touched.
//
//go:noinline
func grown(f func() int, never bool) int {
	if never {
		var room [stackRoom]byte
		touch(&room)
	}
	return f()
}

//go:noinline
func touch(room *[stackRoom]byte) { room[0]++ }
