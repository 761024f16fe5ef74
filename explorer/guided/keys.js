// Before an audience: the keys that go from step to step, wherever the focus is, and how large the screen is.
const PATIENCE_MS = 300 // a window that is being resized is measured when it rests
const PIXELS = 20 // sizes are told in steps of so many, so that charts of one size serve many screens
const kept = new WeakMap()

export default function ({ data, parentElement, setTriggerValue }) {
  let listener = kept.get(parentElement)
  if (!listener) {
    listener = create()
    kept.set(parentElement, listener)
  }
  listener.show(data, setTriggerValue)
  return () => listener.end()
}

function create() {
  let data, tell, waiting

  function press(event) {
    const by = data.next.includes(event.key) ? 1 : data.previous.includes(event.key) ? -1 : 0
    if (!by || event.altKey || event.ctrlKey || event.metaKey) return
    event.preventDefault()
    tell("turned", by)
  }

  function measure() {
    const [width, height] = [innerWidth, innerHeight].map((side) => PIXELS * Math.floor(side / PIXELS))
    if (width !== data.screen?.[0] || height !== data.screen[1]) tell("screen", [width, height])
  }

  function later() {
    clearTimeout(waiting)
    waiting = setTimeout(measure, PATIENCE_MS)
  }

  return {
    show(given, told) {
      data = given
      tell = told
      document.addEventListener("keydown", press)
      window.addEventListener("resize", later)
      measure()
    },
    end() {
      document.removeEventListener("keydown", press)
      window.removeEventListener("resize", later)
      clearTimeout(waiting)
    },
  }
}
