package main

// configCommand prints the effective settings.
type configCommand struct{}

// Run prints every setting, its value and where it comes from.
func (*configCommand) Run(a *app) error {
	loaded, err := a.settings(nil)
	if err != nil {
		return err
	}
	loaded.Explain(a.stdout)
	return nil
}
