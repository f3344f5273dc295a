/** A span of time for people: "45 s", "3 min 20 s". */
function span(ms) {
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

module.exports = { span }
