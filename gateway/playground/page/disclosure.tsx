import { type FocusEvent, type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";

interface Props {
  label: ReactNode;
  /** What a screen reader calls the panel. */
  name: string;
  primary?: boolean;
  className?: string;
  /** Where this changes, what was open is done, and closes. */
  until?: unknown;
  /** What is shown while it is open; it may close it. */
  children: ReactNode | ((close: () => void) => ReactNode);
}

/** A button that shows a panel under it. Escape closes it, and so does going elsewhere if it covers something. */
export function Disclosure({ label, name, primary, className = "", until, children }: Props) {
  const [open, setOpen] = useState(false);
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);

  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  useEffect(() => {
    if (open) close();
  }, [until]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape" && open) {
      event.stopPropagation();
      close();
    }
  };
  const onBlur = ({ relatedTarget, currentTarget }: FocusEvent) => {
    // On a narrow screen the panel is no cover but pushes the page down: closed, it would draw away what is clicked.
    const covers = panel.current && getComputedStyle(panel.current).position === "absolute";
    if (covers && relatedTarget instanceof Node && !currentTarget.contains(relatedTarget)) setOpen(false);
  };
  return (
    <div className={`disclosure ${className}`} onKeyDown={onKeyDown} onBlur={onBlur}>
      <button
        ref={button}
        type="button"
        className={primary ? "primary" : ""}
        aria-expanded={open}
        aria-controls={id}
        onClick={() => setOpen(!open)}
      >
        {label}
      </button>
      <div ref={panel} id={id} className="panel" role="region" aria-label={name} hidden={!open}>
        {open && (typeof children === "function" ? children(close) : children)}
      </div>
    </div>
  );
}
