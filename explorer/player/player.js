// Plays through a chart: a slider with real values, steps and a play-through, and where the chart has them a second slider beside it and
// a trail behind it. Everything happens in the browser: the sliders drive the chart's own bound inputs, which Vega reads.
const CALM_MS = 1000        // with reduced motion no frame is shorter, and there is no trail
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
  const sliders = { played: part("played"), beside: part("beside") }
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)")
  let data, host, watcher, timer = null, waiting = null

  const input = (name) => data[name] && host?.querySelector(`form.vega-bindings input[name="${data[name].input}"]`)
  const last = (name) => data[name].texts.length - 1
  const frame = () => (calm.matches ? Math.max(CALM_MS, data.frameMs) : data.frameMs)

  function write(name, value) {
    const bound = input(name)
    if (!bound) return
    bound.value = value
    bound.dispatchEvent(new Event("input", { bubbles: true }))
    read()
  }

  function trail(on) {
    const bound = input("trail")
    if (bound && bound.checked !== on) {
      bound.checked = on
      // Vega listens to one of the two, depending on the kind of input; a second telling changes nothing.
      bound.dispatchEvent(new Event("input", { bubbles: true }))
      bound.dispatchEvent(new Event("change", { bubbles: true }))
    }
    part("trail").checked = on
  }

  function read() {
    for (const [name, slider] of Object.entries(sliders)) {
      const bound = input(name)
      if (!bound) continue
      slider.value = bound.value
      const words = data[name].texts[Number(bound.value)]
      slider.setAttribute("aria-valuetext", words)
      part(`${name}-value`).textContent = words
    }
    const bound = input("trail")
    if (bound) part("trail").checked = bound.checked
  }

  function step(name, by) {
    const now = Number(input(name)?.value ?? 0)
    write(name, Math.min(Math.max(now + by, 0), last(name)))
  }

  function next() {
    const bound = input("played")
    if (!bound) return pause()
    const now = Number(bound.value)
    const places = calm.matches ? data.calmPlaces : data.played.texts.map((_, place) => place)
    const after = places.find((place) => place > now)
    if (after === undefined) return pause()
    write("played", after)
    timer = setTimeout(next, frame())
  }

  function play() {
    if (Number(input("played")?.value ?? 0) >= last("played")) write("played", 0)
    trail(!calm.matches)
    part("play").setAttribute("aria-pressed", "true")
    part("play").textContent = "❚❚ " + data.words.pause
    timer = setTimeout(next, frame())
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

  // Before an audience the sliders are hidden: the keys move them from anywhere on the page.
  function press(event) {
    const moves = { ArrowLeft: ["beside", -1], ArrowRight: ["beside", 1], ArrowDown: ["played", -1], ArrowUp: ["played", 1] }
    const [name, by] = moves[event.key] ?? []
    if (!data[name] && event.key !== " ") return
    event.preventDefault()
    if (event.key === " ") return timer === null ? play() : pause()
    pause()
    step(name, by)
  }

  for (const [name, slider] of Object.entries(sliders)) {
    slider.oninput = () => { pause(); write(name, slider.value) }
  }
  part("play").onclick = () => (timer === null ? play() : pause())
  part("back").onclick = () => { pause(); step("played", -1) }
  part("forward").onclick = () => { pause(); step("played", 1) }
  part("trail").onchange = (event) => trail(event.target.checked)

  return {
    show(given) {
      data = given
      part("second").hidden = !data.beside
      part("tick").hidden = !data.trail
      for (const name of ["played", "beside", "trail"]) part(`${name}-label`).textContent = data[name]?.name ?? ""
      for (const name of ["played", "beside"]) if (data[name]) sliders[name].max = last(name)
      part("player").classList.toggle("alone", !data.beside)
      part("player").setAttribute("aria-label", data.words.group)
      part("back").setAttribute("aria-label", data.words.back)
      part("forward").setAttribute("aria-label", data.words.forward)
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
  const id = "player-chart"
  const style = document.getElementById(id) ?? document.head.appendChild(Object.assign(document.createElement("style"), { id }))
  style.textContent = `.st-key-${chart} form.vega-bindings { display: none } #vg-tooltip-element { pointer-events: none }`
}
