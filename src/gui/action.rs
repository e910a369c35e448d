//! What the user meant. Panels push these; the app carries them out after the pass.

use std::cmp::Ordering;
use std::path::PathBuf;

use super::explore::Chosen;
use super::stage::Refused;
use crate::canvas::LayerId;
use crate::engine::Params;
use crate::studio::{PanelTab, Tool, ViewMode};
use crate::weights::ModelSource;

/// What the user meant.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Draw, without a source.
    UseDrawing,
    /// Look into a camera: this one, or the first there is.
    UseCamera(Option<String>),
    /// List the cameras again.
    ListCameras,
    /// Choose a picture file as the source.
    AskSource,
    /// Look at the moving test pattern.
    UsePattern,
    /// Put the source's newest frame into a layer and draw on.
    Freeze,
    /// Put the painting into a layer and draw on it.
    TakePainting,
    /// Stop painting, or go on.
    TogglePause,
    /// Paint one picture.
    Step,
    /// Paint without end, or stop doing so.
    ToggleDream,
    /// Record what is painted, or end the recording.
    ToggleRecording,
    /// Ask what shall be done.
    AskCommand,
    /// Take the last change of the drawing back.
    Undo,
    /// Do it again.
    Redo,
    /// Throw away what is drawn.
    ClearDrawing,
    /// Draw with this.
    TakeTool(Tool),
    /// Let drawing and painting share the stage so.
    View(ViewMode),
    /// Light instead of dark, or dark instead of light.
    ToggleLook,
    /// Choose a model folder.
    AskModel,
    /// Load this model.
    LoadModel(ModelSource),
    /// Load the present model again with other settings.
    Reload,
    /// Give up the load.
    CancelLoad,
    /// Start the engine again.
    Restart,
    /// Choose the size of a new drawing.
    NewDrawing,
    /// Write the drawing into its file, or into a new one in the pictures folder.
    SaveDrawing,
    /// Choose where to write the drawing.
    AskSaveDrawing,
    /// Write the picture into the pictures folder.
    QuickSave,
    /// Choose where to write the picture.
    AskSave,
    /// Put the picture on the clipboard.
    CopyPainting,
    /// Choose a picture to put onto the canvas, or a layered drawing.
    AskOpen,
    /// Put this file onto the canvas.
    Open(PathBuf),
    /// Open the panel at this tab.
    ShowTab(PanelTab),
    /// Show or hide the panel.
    TogglePanel,
    /// Texts and controls larger, smaller, or of the normal size.
    Zoom(Ordering),
    /// Put the sample drawing away.
    StartFresh,
    /// A prompt the model knows, by chance.
    RandomPrompt,
    /// A seed, by chance.
    RandomSeed,
    /// The numbers the model suggests.
    SuggestedNumbers,
    /// Paint this subject.
    Subject(String),
    /// Paint with the prompt and the numbers of a painting that was opened.
    TakeRecipe(Box<Params>),
    /// Go on with a drawing that was never saved.
    BringBack(PathBuf),
    /// Throw such a drawing away.
    ForgetLost(PathBuf),
    /// Show the pictures alone, over the whole screen, or the rooms around them again.
    ToggleAlone,
    /// Say why nothing is drawn.
    Refuse(Refused),
    /// Show the layer that strokes go to.
    ShowLayer,
    /// Show these layers no more.
    Hide(Vec<LayerId>),
    /// Strokes go to this layer.
    DrawOn(LayerId),
    /// Paint this prompt.
    Prompt(String),
    /// Paint this prompt; the words before it can be had again.
    ReplacePrompt(String),
    /// Go on with what was seen in a preview.
    Adopt(Chosen),
    /// Go on with what was there before the last such choice.
    TakeBackChoice,
}
