/** The ferry, from the side. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M12.5 3.5h3v4h-3zM6 8.5h12a1 1 0 0 1 1 1V12H5V9.5a1 1 0 0 1 1-1zM1.8 13.5h20.4l-2.5 5.6a1.6 1.6 0 0 1-1.5.9H5.8a1.6 1.6 0 0 1-1.5-.9z" />
    </svg>
  )
}
