// Moves the picked cell of the linked map: two sliders with real values, steps, and a play-through over the epochs.
// Everything happens in the browser: the sliders drive the chart's own bound inputs, which Vega reads.
const FRAME_MS = 110        // one epoch of the play-through; the chart redraws in a fraction of it
const CALM_MS = 1000        // with reduced motion: round epochs only, one a second, no fading lines
const players = new WeakMap()

export default function ({ data, parentElement }) {
  let player = players.get(parentElement)
  if (!player) {
    player = create(parentElement)
    players.set(parentElement, player)
  }
  player.show(data)
  return () => player.end()
}

function create(root) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`)
  const sliders = { e: part("epoch"), w: part("width") }
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)")
  let data, host, watcher, timer = null, waiting = null

  const inputs = () => {
    const found = (name) => host?.querySelector(`form.vega-bindings input[name="${name}"]`)
    return { e: found("cell_e"), w: found("cell_w"), trail: found("trail") }
  }
  const values = { e: () => data.epochs, w: () => data.widths }

  function write(name, value) {
    const input = inputs()[name]
    if (!input) return
    input.value = value
    input.dispatchEvent(new Event("input", { bubbles: true }))
    read()
  }

  function trail(on) {
    const input = inputs().trail
    if (input && input.checked !== on) {
      input.checked = on
      // Vega listens to one of the two, depending on the kind of input; a second telling changes nothing.
      input.dispatchEvent(new Event("input", { bubbles: true }))
      input.dispatchEvent(new Event("change", { bubbles: true }))
    }
    part("trail").checked = on
  }

  function read() {
    const now = inputs()
    for (const name of ["e", "w"]) {
      if (!now[name]) return
      const place = Number(now[name].value)
      sliders[name].value = place
      const words = name === "e" ? data.epochTexts[place] : data.widthTexts[place]
      sliders[name].setAttribute("aria-valuetext", words)
      part(name === "e" ? "epoch-value" : "width-value").textContent = words
    }
    if (now.trail) part("trail").checked = now.trail.checked
  }

  function step(by) {
    const now = Number(inputs().e?.value ?? 0)
    write("e", Math.min(Math.max(now + by, 0), data.epochs.length - 1))
  }

  function next() {
    const input = inputs().e
    if (!input) return pause()
    const now = Number(input.value)
    const places = calm.matches ? data.roundEpochs : data.epochs.map((_, place) => place)
    const after = places.find((place) => place > now)
    if (after === undefined) return pause()
    write("e", after)
    timer = setTimeout(next, calm.matches ? CALM_MS : FRAME_MS)
  }

  function play() {
    if (Number(inputs().e?.value ?? 0) >= data.epochs.length - 1) write("e", 0)
    trail(!calm.matches)
    part("play").setAttribute("aria-pressed", "true")
    part("play").textContent = "❚❚ " + data.words.pause
    timer = setTimeout(next, calm.matches ? CALM_MS : FRAME_MS)
  }

  function pause() {
    clearTimeout(timer)
    timer = null
    part("play").setAttribute("aria-pressed", "false")
    part("play").textContent = "▶ " + data.words.play
  }

  function attach() {
    const found = document.querySelector(`.st-key-${data.chart}`)
    if (found !== host) {
      watcher?.disconnect()
      host = found
      if (host) {
        // The chart is drawn after this, drawn anew when the view changes, and writes its inputs when a cell is clicked.
        watcher = new MutationObserver(read)
        watcher.observe(host, { childList: true, subtree: true, characterData: true })
        host.addEventListener("pointerdown", (event) => {
          if (!event.target.closest("form")) { pause(); trail(false) }
        })
      }
    }
    clearTimeout(waiting)
    if (!host) waiting = setTimeout(attach, 100)
    else read()
  }

  // Before an audience the sliders are hidden: the keys move the cell from anywhere on the page.
  function press(event) {
    const [name, by] = { ArrowLeft: ["w", -1], ArrowRight: ["w", 1], ArrowDown: ["e", -1], ArrowUp: ["e", 1] }[event.key] ?? []
    if (name === undefined && event.key !== " ") return
    event.preventDefault()
    if (event.key === " ") return timer === null ? play() : pause()
    pause()
    const now = Number(inputs()[name]?.value ?? 0)
    write(name, Math.min(Math.max(now + by, 0), values[name]().length - 1))
  }

  for (const [name, slider] of Object.entries(sliders)) {
    slider.oninput = () => { pause(); write(name, slider.value) }
  }
  part("play").onclick = () => (timer === null ? play() : pause())
  part("back").onclick = () => { pause(); step(-1) }
  part("forward").onclick = () => { pause(); step(1) }
  part("trail").onchange = (event) => trail(event.target.checked)

  return {
    show(given) {
      data = given
      for (const name of ["epoch", "width", "trail"]) part(`${name}-label`).textContent = data.words[name]
      part("player").setAttribute("aria-label", data.words.group)
      part("back").setAttribute("aria-label", data.words.back)
      part("forward").setAttribute("aria-label", data.words.forward)
      sliders.e.max = data.epochs.length - 1
      sliders.w.max = data.widths.length - 1
      if (timer === null) pause()
      styleChart(data.chart)
      attach()
      if (data.presented) document.addEventListener("keydown", press)
    },
    end() {
      pause()
      document.removeEventListener("keydown", press)
      clearTimeout(waiting)
      watcher?.disconnect()
    },
  }
}

// The chart's own sliders show places in a list; ours show what stands there. They stay in the page, since ours drive them.
// And the tooltip of the last cell must not take the next click, which may well fall under it.
function styleChart(chart) {
  const id = "linked-map-player"
  const style = document.getElementById(id) ?? document.head.appendChild(Object.assign(document.createElement("style"), { id }))
  style.textContent = `.st-key-${chart} form.vega-bindings { display: none } #vg-tooltip-element { pointer-events: none }`
}
