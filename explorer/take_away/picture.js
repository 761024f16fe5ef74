// Makes a PNG or an SVG of a chart on the page as the reader sees it, with title, source, data version and link inside the picture.
const MARGIN = 24
const NARROWEST = 480       // a chart on a phone gets this much room for its texts
const SCALE = 2             // pixels of a PNG per pixel of the page
const KOREAN = '"Noto Sans KR", "Apple SD Gothic Neo", "Malgun Gothic", NanumGothic'
const NAMESPACE = "http://www.w3.org/2000/svg"

export default function ({ data, parentElement }) {
  const part = (name) => parentElement.querySelector(`[data-part="${name}"]`)
  for (const kind of ["png", "svg"]) {
    const button = part(kind)
    button.textContent = "⤓ " + kind.toUpperCase()
    button.title = data.words[kind]
    button.setAttribute("aria-label", data.words[kind])
    button.onclick = async () => {
      part("said").textContent = ""
      try {
        const blob = kind === "png" ? await png(data) : new Blob([await svg(data)], { type: "image/svg+xml" })
        save(blob, `${data.file}.${kind}`)
      } catch (error) {
        part("said").textContent = data.words.failed
        console.error(error)
      }
    }
  }
}

function save(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name })
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10000)
}

// The view as it stands in the address now: a pick changes it without telling this component.
function link(data) {
  const shown = new URLSearchParams(location.search)
  for (const name of data.dropped) shown.delete(name)
  for (const [name, value] of Object.entries(data.fixed)) shown.set(name, value)
  return `${data.base || location.origin + location.pathname}?${shown}`
}

function chartOf(data) {
  // The key of a chart is a class only where its selection is asked for, that of a container always.
  return document.querySelector(`.st-key-${data.chart} [data-testid="stVegaLiteChart"]`)
}

// The Vega view behind a chart, through React's own records: there is no public way to it. Without it the drawn marks are copied instead.
function viewOf(chart) {
  let fiber = chart[Object.keys(chart).find((key) => key.startsWith("__reactFiber$"))]
  for (let up = 0; fiber && up < 40; up++, fiber = fiber.return) {
    for (let hook = fiber.memoizedState, n = 0; hook && n < 200; hook = hook.next, n++) {
      const held = hook.memoizedState
      if (typeof held?.current?.toSVG === "function") return held.current
    }
  }
}

// What surrounds the chart: its size, colours, and every line of text with its place.
function frame(data, width, height) {
  const page = getComputedStyle(document.querySelector('[data-testid="stApp"]'))
  const family = `${page.fontFamily.replace(/,\s*sans-serif\s*$/, "")}, ${KOREAN}, sans-serif`
  const room = Math.max(width, NARROWEST)
  const pen = document.createElement("canvas").getContext("2d")
  const texts = []
  let y = MARGIN
  const write = (text, size, weight, opacity, href) => {
    pen.font = `${weight} ${size}px ${family}`
    for (const line of text ? wrapped(text, room, pen) : []) {
      texts.push({ line, y: y + size, size, weight, opacity, href, font: pen.font })
      y += Math.round(size * 1.4)
    }
  }
  write(data.title, 20, 600, 1)
  y += 4
  write(data.subtitle, 13, 400, 0.85)
  y += 10
  const top = y
  y += height + 10
  const address = link(data)
  for (const line of data.lines) write(line, 11, 400, 0.85)
  write(address, 11, 400, 0.85, address)
  return { width: room + 2 * MARGIN, height: y + MARGIN / 2, top, texts, family, colour: page.color, ground: page.backgroundColor, address }
}

// Lines no wider than there is room, broken at spaces, and within a word that is too long, such as an address.
function wrapped(text, room, pen) {
  const lines = [""]
  for (let word of text.split(/\s+/).filter(Boolean)) {
    const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word
    if (pen.measureText(longer).width <= room) { lines[lines.length - 1] = longer; continue }
    if (lines.at(-1)) lines.push("")
    while (pen.measureText(word).width > room) {
      let end = word.length
      while (end > 1 && pen.measureText(word.slice(0, end)).width > room) end--
      lines[lines.length - 1] = word.slice(0, end)
      lines.push("")
      word = word.slice(end)
    }
    lines[lines.length - 1] = word
  }
  return lines
}

async function svg(data) {
  const chart = chartOf(data)
  const view = viewOf(chart)
  const inner = view ? parsed(await view.toSVG()) : copied(chart.querySelector(".marks"))
  const [width, height] = ["width", "height"].map((side) => parseFloat(inner.getAttribute(side)))
  const around = frame(data, width, height)
  const whole = element("svg", { width: around.width, height: around.height, viewBox: `0 0 ${around.width} ${around.height}` })
  const title = element("title")
  title.textContent = data.title
  whole.append(title, element("rect", { width: "100%", height: "100%", fill: around.ground }))
  for (const { line, y, size, weight, opacity, href } of around.texts) {
    const style = { x: MARGIN, y, "font-family": around.family, "font-size": size, "font-weight": weight, fill: around.colour, "fill-opacity": opacity }
    const text = element("text", style)
    text.textContent = line
    if (href) {
      const anchor = element("a", { href })
      anchor.append(text)
      whole.append(anchor)
    } else whole.append(text)
  }
  for (const text of inner.querySelectorAll("[font-family]")) text.setAttribute("font-family", around.family)
  inner.setAttribute("x", MARGIN)
  inner.setAttribute("y", around.top)
  whole.append(inner)
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(whole)}`
}

function element(name, attributes = {}) {
  const made = document.createElementNS(NAMESPACE, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  return made
}

function parsed(text) {
  return document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true)
}

function copied(marks) {
  if (marks.tagName.toLowerCase() === "svg") return marks.cloneNode(true)
  const { width, height } = marks.getBoundingClientRect()
  const copy = element("svg", { width, height })
  copy.append(element("image", { width, height, href: marks.toDataURL("image/png") }))
  return copy
}

async function png(data) {
  const chart = chartOf(data)
  const view = viewOf(chart)
  const { width, height } = chart.querySelector(".marks").getBoundingClientRect()
  const drawn = view ? await view.toCanvas(SCALE) : await painted(chart.querySelector(".marks"), width, height)
  const around = frame(data, width, height)
  const whole = Object.assign(document.createElement("canvas"), { width: around.width * SCALE, height: around.height * SCALE })
  const pen = whole.getContext("2d")
  pen.scale(SCALE, SCALE)
  pen.fillStyle = around.ground
  pen.fillRect(0, 0, around.width, around.height)
  pen.fillStyle = around.colour
  for (const { line, y, font, opacity } of around.texts) {
    pen.globalAlpha = opacity
    pen.font = font
    pen.fillText(line, MARGIN, y)
  }
  pen.globalAlpha = 1
  pen.drawImage(drawn, MARGIN, around.top, width, height)
  const blob = await new Promise((done) => whole.toBlob(done, "image/png"))
  const said = { Title: data.title, Source: data.lines[0], Description: data.lines[1], URL: around.address }
  return new Blob([withTexts(new Uint8Array(await blob.arrayBuffer()), said)], { type: "image/png" })
}

async function painted(marks, width, height) {
  if (marks.tagName.toLowerCase() !== "svg") return marks
  const image = new Image(width * SCALE, height * SCALE)
  image.src = "data:image/svg+xml," + encodeURIComponent(new XMLSerializer().serializeToString(marks))
  await image.decode()
  return image
}

// The texts once more as iTXt chunks (PNG specification, 11.3.4.5), where programs find them: after the header, which is 33 bytes long.
function withTexts(bytes, texts) {
  const chunks = Object.entries(texts).map(([keyword, text]) => textChunk(keyword, text))
  const whole = new Uint8Array(bytes.length + chunks.reduce((sum, chunk) => sum + chunk.length, 0))
  whole.set(bytes.subarray(0, 33))
  let at = 33
  for (const chunk of chunks) { whole.set(chunk, at); at += chunk.length }
  whole.set(bytes.subarray(33), at)
  return whole
}

function textChunk(keyword, text) {
  const body = new TextEncoder().encode(`iTXt${keyword}\0\0\0\0\0${text}`)
  const chunk = new Uint8Array(body.length + 8)
  const numbers = new DataView(chunk.buffer)
  numbers.setUint32(0, body.length - 4)
  chunk.set(body, 4)
  numbers.setUint32(body.length + 4, checksum(body))
  return chunk
}

function checksum(bytes) {
  let crc = ~0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}
