import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import type { Moment } from './live'

const HEIGHT = 160

/** Connections and waiting callers since the page was opened. */
export function PoolChart({ moments }: { readonly moments: readonly Moment[] }): JSX.Element {
  const element = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot | undefined>(undefined)
  useEffect(() => {
    const parent = element.current
    if (parent === null) return
    const made = new uPlot(optionsFor(parent), dataOf([]), parent)
    chart.current = made
    const observer = new ResizeObserver(() =>
      made.setSize({ width: parent.clientWidth, height: HEIGHT }),
    )
    observer.observe(parent)
    return () => {
      observer.disconnect()
      made.destroy()
      chart.current = undefined
    }
  }, [])
  useEffect(() => chart.current?.setData(dataOf(moments)), [moments])
  return <div class="chart" ref={element} />
}

function dataOf(moments: readonly Moment[]): uPlot.AlignedData {
  return [
    moments.map(({ at }) => at),
    moments.map(({ inUse }) => inUse),
    moments.map(({ waiting }) => waiting),
    moments.map(({ limit }) => limit),
  ]
}

function optionsFor(parent: HTMLElement): uPlot.Options {
  const colour = (name: string) => () => colourOf(parent, name)
  const axis: uPlot.Axis = {
    stroke: colour('--quiet'),
    grid: { stroke: colour('--line') },
    ticks: { stroke: colour('--line') },
  }
  const series = (label: string, name: string, more: Partial<uPlot.Series> = {}): uPlot.Series => ({
    label,
    stroke: colour(name),
    width: 2,
    points: { show: false },
    ...more,
  })
  return {
    width: parent.clientWidth,
    height: HEIGHT,
    cursor: { drag: { x: false, y: false } },
    scales: { y: { range: (_chart, _low, high) => [0, Math.max(1, high)] } },
    axes: [axis, { ...axis, size: 40, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] }],
    series: [
      {},
      series('in use', '--accent'),
      series('waiting', '--bad'),
      series('limit', '--quiet', { dash: [4, 4], width: 1 }),
    ],
  }
}

/** A canvas knows no variables and no `light-dark()`: the browser says what they come to. */
function colourOf(parent: HTMLElement, name: string): string {
  const probe = document.createElement('span')
  probe.style.color = `var(${name})`
  parent.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
