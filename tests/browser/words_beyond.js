// The words of charts that reach beyond their picture by more than `spare` pixels, where they are cut off: texts of marks, axes and legends.
// `find` is find_view.js.
([find, spare]) => {
  const beyond = []
  const before = window.view
  const look = (mark, x, width) => {
    for (const item of mark.items) {
      if (mark.marktype === "group") item.items.forEach((inner) => look(inner, x + (item.x || 0), width))
      else if (mark.marktype === "text" && item.text && item.opacity !== 0 && item.bounds)
        if (item.bounds.x1 + x < -spare || item.bounds.x2 + x > width + spare) beyond.push(String(item.text))
    }
  }
  document.querySelectorAll('[data-testid="stVegaLiteChart"]').forEach((chart, place) => {
    chart.setAttribute("data-place", place)
    if (!eval(find)(`[data-place="${place}"]`)) return beyond.push(`no view of chart ${place}`)
    look(window.view.scenegraph().root, window.view.origin()[0], chart.querySelector(".marks").getBoundingClientRect().width)
  })
  window.view = before
  return beyond
}
