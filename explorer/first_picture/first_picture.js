// Tells the server when a chart is on the screen.
const PATIENCE_MS = 15000 // it is told after this at the latest, or the rest would never come
const watches = new WeakMap()

export default function ({ data, parentElement, setTriggerValue }) {
  watches.get(parentElement)?.end()
  const watch = create(data.place.replace(/[^\w-]/g, "-"), () => setTriggerValue("drawn", true))
  watches.set(parentElement, watch)
  return () => watch.end()
}

function create(place, tell) {
  let frame
  const patience = setTimeout(told, PATIENCE_MS)

  function told() {
    end()
    tell()
  }

  function look() {
    const there = document.querySelector(`.st-key-${place} .marks`)
    frame = requestAnimationFrame(there ? () => (frame = requestAnimationFrame(told)) : look)
  }

  function end() {
    clearTimeout(patience)
    cancelAnimationFrame(frame)
  }

  look()
  return { end }
}
